-- Answers the data itself, as `-P echo` does: the least that a protocol can be, with a client that checks every byte.
name = "lua-echo"
about = "answers the data itself, from a script"
spec = "RFC 862"
cuts_matter = false

function server.input(c, input)
  c:write(input:everything())
end

-- On a stream answers have no ends: as many bytes come back as were said. Datagrams come in any order, or not at all.
function client.input(c, input)
  if c:datagrams() then
    local got = input:everything()
    c:body(got)
    local seq = c:find(got)
    if seq then c:right(seq) else c:wrong(c:awaited() or "", got) end
    return
  end
  local said = c:awaited()
  while said do
    local got = input:exactly(#said)
    if not got then return end
    c:body(got)
    if got == said then c:right() else c:wrong(said, got) end
    said = c:awaited()
  end
end
