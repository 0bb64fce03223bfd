-- Step 5: the same in binary, in frames of a 16-bit length. A question is a number, a user and perhaps a plan; the answer has
-- the same number, so that it finds its question in any order. That makes it fit for datagrams too.
name = "finger-5"
about = "finger with plans, in binary"
rides = { "streams", "datagrams" }
answers = "each"
takes = { usage = "USER or USER=PLAN", examples = { "alice", "bob=at lunch", "bob" } }
cuts_matter = false
echoes = false -- an answer is no question: two of these servers have nothing to say to each other

local QUESTION, ANSWER = ">B I8 s1 s2", ">B I8 s2"
local IS_QUESTION, IS_ANSWER = 1, 2

local plans = { alice = "to read the RFC" }
local most, kept = 1000, 1

local function told(user, plan)
  if plan ~= "" then
    if not plans[user] then kept = kept + 1 end
    if kept > most then return "too many users" end
    plans[user] = plan
  end
  return user .. ": " .. (plans[user] or "no plan")
end

function server.input(c, input)
  for frame in input:int16s(1024) do
    -- What a peer sends may be cut short: `unpack` fails then, and that is the peer's fault and not ours.
    local ok, kind, number, user, plan = pcall(string.unpack, QUESTION, frame)
    if not ok or kind ~= IS_QUESTION then return c:violation("a frame that is no question") end
    c:int16(ANSWER:pack(IS_ANSWER, number, told(user, plan)))
  end
end

function client.submit(c, seq, question)
  local user, plan = question:match("^([^=]*)=?(.*)$")
  if not user or #user > 255 or #plan > 255 then return c:refuse("a user and a plan have 255 bytes at most") end
  c:int16(QUESTION:pack(IS_QUESTION, seq, user, plan))
end

function client.input(c, input)
  for frame in input:int16s() do
    local ok, kind, number, text = pcall(string.unpack, ANSWER, frame)
    if not ok or kind ~= IS_ANSWER then return c:violation("a frame that is no answer") end
    c:body(text .. "\n")
    local asked = c:awaited(number)
    local expected = asked and asked:match("^[^=]*") .. ": "
    if not asked or text:sub(1, #expected) == expected then c:right(number) else c:wrong(expected, text, number) end
  end
end
