-- `c:wake(seconds, key)` and `c:when_drained(key)`: what they are asked with comes back to the script; the number by which
-- the driver knows it stays here.
local methods = ...
local wake, most = methods._wake, 1024
methods._wake = nil
-- (Runs before the prelude takes weak keys away: connections are held elsewhere, so the collector has no chains to follow.)
local waits = setmetatable({}, { __mode = "k" })

local function wait(c, key, seconds)
  local own = waits[c]
  if not own then
    own = { n = 0, last = 0 }
    waits[c] = own
  end
  if own.n >= most then error("1,024 waits at once are the most of one connection", 3) end
  own.last = own.last + 1
  wake(c, own.last, seconds)
  own.n = own.n + 1
  own[own.last] = { key }
end

function methods.wake(c, seconds, key) wait(c, key, seconds or 0) end
function methods.when_drained(c, key) wait(c, key) end

local function taken(c, id)
  local own = waits[c]
  local it = own and own[id]
  if not it then return nil end
  own[id] = nil
  own.n = own.n - 1
  return it[1]
end

return methods, taken
