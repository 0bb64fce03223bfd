-- Step 3: it answers from a table. An empty question asks for everybody (RFC 1288, section 2.5.1), and /W for more than a
-- line (section 2.5.4).
name = "finger-3"
about = "a finger server that answers from a table"
spec = "RFC 1288"
rides = "streams"
answers = "once"
takes = { usage = "[/W] USER", examples = { "alice", "bob", "/W alice" } }
cuts_matter = false
params = { host = { default = "example.test", help = "where the users are" } }

local users = {
  alice = { name = "Alice Adams", plan = "to read the RFC" },
  bob = { name = "Bob Brown", plan = "no plan" },
}

local function everybody()
  local names = {}
  for name in pairs(users) do table.insert(names, name) end
  table.sort(names)
  return table.concat(names, "\r\n")
end

local function answer(question, host)
  local more, who = question:match("^(/W ?)(.*)$")
  who = who or question
  if who == "" then return everybody() end
  local user = users[who]
  if not user then return who .. ": no such user" end
  local line = ("%s@%s: %s"):format(who, host, user.name)
  return more and line .. "\r\nplan: " .. user.plan or line
end

function server.input(c, input)
  local question = input:line(512)
  if not question then return end
  c:write(answer(question, c.params.host), "\r\n")
  c:close()
end

function client.submit(c, seq, question)
  c:line(question)
end

-- What a right answer is, this client knows as well as the server.
function client.eof(c, rest)
  c:body(rest)
  local expected = answer(c:awaited() or "", c.params.host) .. "\r\n"
  if rest == expected then c:right() else c:wrong(expected, rest) end
end
