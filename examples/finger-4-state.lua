-- Step 4: the connection stays open, and there is state. Each user has a plan, which `USER=PLAN` sets; and each connection
-- has its own count of questions, which is kept in `c`. What is kept outside of `c` belongs to a worker thread: `-t 1` has one.
name = "finger-4"
about = "finger with plans, many questions to a connection"
rides = "streams"
answers = "each"
takes = { usage = "USER or USER=PLAN", examples = { "alice", "bob=at lunch", "bob" } }
cuts_matter = false

local plans = { alice = "to read the RFC" }
local most, kept = 1000, 1 -- what is kept for others has to be bounded

function server.open(c)
  c.asked = 0
end

function server.input(c, input)
  for line in input:lines(512) do
    c.asked = c.asked + 1
    local user, plan = line:match("^(%w+)=(.*)$")
    if user then
      if not plans[user] then kept = kept + 1 end
      if kept > most then return c:violation("too many users") end
      plans[user] = plan
    end
    user = user or line
    c:line(("%d %s: %s"):format(c.asked, user, plans[user] or "no plan"))
  end
end

function client.open(c)
  c.answered = 0
end

function client.submit(c, seq, question)
  if question:find("\n") then return c:refuse("a question is one line") end
  c:line(question)
end

-- Answers come in the order of the questions, each with its number in this connection.
function client.input(c, input)
  for line in input:lines() do
    c:body(line .. "\n")
    c.answered = c.answered + 1
    local expected = c.answered .. " " .. (c:awaited() or ""):match("^[^=]*") .. ": "
    if line:sub(1, #expected) == expected then c:right() else c:wrong(expected, line) end
  end
end
