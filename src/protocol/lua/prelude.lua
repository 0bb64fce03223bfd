-- What scripts find in place of Lua's own functions, where those would run for long in C, where no limit reaches them, or
-- would catch what must not be caught. Runs once in each state, before the script.
local check, plain, charge = ...
local error, type, select, rawget, real_pcall, real_setmetatable = error, type, select, rawget, pcall, setmetatable
local real_resume, real_close, tointeger = coroutine.resume, coroutine.close, math.tointeger
local find = string.find

-- An error that says that a limit was reached goes on up; any other is caught, and is text where it came from Rust.
local function caught(ok, ...)
  check()
  if ok then return true, ... end
  return false, plain((...))
end

function pcall(f, ...) return caught(real_pcall(f, ...)) end

-- The handler runs after the fall and not before it: there no limit would hold it.
function xpcall(f, handler, ...)
  local function handled(ok, ...)
    check()
    if ok then return true, ... end
    return false, handler(plain((...)))
  end
  return handled(real_pcall(f, ...))
end

function coroutine.resume(...) return caught(real_resume(...)) end

function coroutine.close(...) return caught(real_close(...)) end

-- A finalizer runs whenever memory is collected, and no limit holds it. A table with weak keys and strong values takes the
-- collector the square of its length when each value leads to the next key.
function setmetatable(t, meta)
  if type(meta) == "table" then
    if rawget(meta, "__gc") ~= nil then error("__gc is not available here", 2) end
    local mode = rawget(meta, "__mode")
    if type(mode) == "string" and find(mode, "k", 1, true) and not find(mode, "v", 1, true) then
      error('__mode = "k" is not available here, only "v" and "kv": what belongs to a connection can be kept in c', 2)
    end
  end
  return real_setmetatable(t, meta)
end

function print() error("print has nowhere to go: c:write says something to the peer, and -vv shows what was said", 2) end

local function at(what, n, value)
  return tointeger(value) or error(("bad argument #%d to '%s' (number expected)"):format(n, what), 3)
end

function table.insert(t, ...)
  local n, last = select("#", ...), #t + 1
  if n == 1 then
    t[last] = (...)
  elseif n == 2 then
    local pos, value = ...
    pos = at("insert", 2, pos)
    if pos < 1 or pos > last then error("bad argument #2 to 'insert' (position out of bounds)", 2) end
    for i = last, pos + 1, -1 do t[i] = t[i - 1] end
    t[pos] = value
  else
    error("wrong number of arguments to 'insert'", 2)
  end
end

function table.remove(t, ...)
  local size = #t
  local pos = size
  if select("#", ...) > 0 then
    pos = at("remove", 2, (...))
    if size + 1 ~= pos and not (pos >= 1 and pos <= size) and not (size == 0 and pos == 0) then
      error("bad argument #2 to 'remove' (position out of bounds)", 2)
    end
  end
  local value = t[pos]
  for i = pos, size - 1 do t[i] = t[i + 1] end
  if pos <= size then t[size] = nil elseif pos == size + 1 then t[pos] = nil end
  return value
end

function table.move(from, first, last, to, into)
  first, last, to, into = at("move", 2, first), at("move", 3, last), at("move", 4, to), into or from
  if last < first then return into end
  if to > last or to <= first or into ~= from then
    for i = 0, last - first do into[to + i] = from[first + i] end
  else
    for i = last - first, 0, -1 do into[to + i] = from[first + i] end
  end
  return into
end

local real_unpack, getmetatable = table.unpack, getmetatable

-- What comes from a metatable is asked for here, where each piece is a step.
function table.unpack(t, i, j)
  if type(t) == "table" and getmetatable(t) == nil then return real_unpack(t, i, j) end
  i, j = at("unpack", 2, i or 1), at("unpack", 3, j or #t)
  local copy, n = {}, 0
  for k = i, j do
    n = n + 1
    copy[n] = t[k]
  end
  return real_unpack(copy, 1, n)
end

-- A long string is long work in C: it is paid for before it begins. Results pass through `each` so that what fails keeps its name.
local heavy = 4096
local function pay(s) if type(s) == "string" and #s > heavy then charge(#s) end end
-- A string that is taken for a number takes as long as many instructions for each byte.
local function pay_number(s) if type(s) == "string" and #s > heavy then charge(32 * #s) end end
-- All values of one call are looked at by C, and may be taken for numbers; a table for its name.
local function pay_all(...)
  local n = select("#", ...)
  if n <= 3 then
    local a, b, c = ...
    pay_number(a) pay_number(b) pay_number(c)
    return
  end
  local values = { ... }
  for i = 1, n do
    local value = values[i]
    local kind = type(value)
    if kind == "string" then pay_number(value) elseif kind == "table" then charge(131072) end
  end
end
local function each(...) return ... end

local lower, upper, reverse, format = string.lower, string.upper, string.reverse, string.format
local pack, packsize, unpack = string.pack, string.packsize, string.unpack
local len, offset, codepoint = utf8.len, utf8.offset, utf8.codepoint

function string.lower(s) pay(s) return (lower(s)) end
function string.upper(s) pay(s) return (upper(s)) end
function string.reverse(s) pay(s) return (reverse(s)) end
function string.packsize(f) pay(f) return (packsize(f)) end
function string.pack(f, ...)
  pay(f)
  pay_all(...)
  return (pack(f, ...))
end
function string.unpack(f, s, from) pay(f) return each(unpack(f, s, from)) end
function string.format(f, ...)
  pay(f)
  pay_all(...)
  return (format(f, ...))
end
function utf8.len(s, ...) pay(s) return each(len(s, ...)) end
function utf8.offset(s, ...) pay(s) return (offset(s, ...)) end
function utf8.codepoint(s, ...) pay(s) return each(codepoint(s, ...)) end

local real_tonumber, strings = tonumber, getmetatable("")
function tonumber(...) pay_number((...)) return (real_tonumber(...)) end
for _, name in ipairs { "__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm" } do
  local real = strings[name]
  strings[name] = function(a, b) pay_number(a) pay_number(b) return (real(a, b)) end
end

local function less(a, b) return a < b end

-- A merge sort: equal elements keep their order, and a comparison that makes no sense breaks nothing.
function table.sort(t, before)
  before = before or less
  local n, from, to = #t, t, {}
  local width = 1
  while width < n do
    for left = 1, n, 2 * width do
      local middle, stop = left + width, left + 2 * width
      if middle > n + 1 then middle = n + 1 end
      if stop > n + 1 then stop = n + 1 end
      local i, j = left, middle
      for k = left, stop - 1 do
        if i < middle and (j >= stop or not before(from[j], from[i])) then
          to[k] = from[i]
          i = i + 1
        else
          to[k] = from[j]
          j = j + 1
        end
      end
    end
    if from == t then from, to = to, {} else from, to = to, from end
    width = 2 * width
  end
  if from ~= t then for i = 1, n do t[i] = from[i] end end
end

string.dump, collectgarbage, dofile, load, loadfile, loadstring, require, warn = nil
package, io, os, debug = nil
