-- Step 2: it takes a question, which is a line, and knows nobody.
name = "finger-2"
about = "a finger server that knows nobody"
spec = "RFC 1288"
rides = "streams"
answers = "once"
takes = { usage = "USER", examples = { "alice" } }
cuts_matter = false

function server.input(c, input)
  local user = input:line(512)
  if not user then return end -- it has not all come yet
  c:line(user .. ": no such user")
  c:close()
end

function client.submit(c, seq, user)
  c:line(user)
end

function client.eof(c, rest)
  c:body(rest)
  local expected = (c:awaited() or "") .. ": no such user\r\n"
  if rest == expected then c:right() else c:wrong(expected, rest) end
end
