-- Step 1: a server that is there, and refuses. It says so to whoever connects, and closes.
name = "finger-1"
about = "a finger server that tells nobody anything"
spec = "RFC 1288"
rides = "streams"
answers = "once" -- the server says one thing, and closes
takes = "nothing" -- the client has nothing to say
cuts_matter = false

local refusal = "finger is not served here\r\n"

function server.open(c)
  c:write(refusal)
  c:close()
end

-- The answer is whole when the server has closed.
function client.eof(c, rest)
  c:body(rest)
  if rest == refusal then c:right() else c:wrong(refusal, rest) end
end
