# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_netproto_global_optspecs
    string join \n color= h/help V/version
end

function __fish_netproto_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_netproto_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_netproto_using_subcommand
    set -l cmd (__fish_netproto_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c netproto -n "__fish_netproto_needs_command" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_needs_command" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_needs_command" -s V -l version -d 'Print version'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "serve" -d 'Answer on all that a protocol rides on'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "serve-tcp" -d 'Answer TCP clients'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "serve-udp" -d 'Answer datagrams'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "serve-unix" -d 'Answer on a Unix socket'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "send" -d 'Send, print the answer'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "bench" -d 'Load a server, report'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "compare" -d 'Compare runs of bench'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "merge" -d 'Add up runs of several machines'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "report" -d 'Show, or draw, what bench -J wrote'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "protocols" -d 'List protocols, framings, parameters'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "explain" -d 'Tell how a protocol works'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "man" -d 'Print or write the manual pages'
complete -c netproto -n "__fish_netproto_needs_command" -f -a "help" -d 'Show help'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s p -l param -d 'A parameter of it, such as delay=1s; repeatable' -r -f -a "(__fish_netproto_complete_param)"
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l framing -d 'Messages as lines, netstring, int32, ...' -r -f -a "raw\t'no framing: each piece as it comes'
lines\t'ends with LF or CRLF; CRLF is sent'
delimiter:\t'ends with STR, in which escapes like \\0 are known'
netstring\t'LENGTH:DATA, with the length in decimal'
int8\t'a length of 1 byte, then the data'
int16\t'a length of 2 bytes, big endian, then the data'
int32\t'a length of 4 bytes, big endian, then the data'
varint\t'a length in LEB128, then the data'"
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l max-frame -d 'Longest message of a framing' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s m -l max-connections -d 'Clients at once; more are closed' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l max-connections-per-peer -d 'The same, from one address' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l handshake-timeout -d 'For a client\'s first whole message' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l max-peers -d 'Peers remembered [default: 10k]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l grace -d 'To finish answers, stopped [default: 5s]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l stats -d 'Print totals every so often, as in 1s' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l metrics -d 'Figures for Prometheus, at ADDR/metrics' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l dscp -d 'Traffic class: 0 to 63, EF, CS1, AF41, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l ttl -d 'Hops a packet may take' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l interface -d 'Use this network interface only' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l mss -d 'Largest TCP segment, in bytes' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l congestion -d 'Congestion control: cubic, bbr, reno, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l keepalive -d 'Probe a silent peer after so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l join -d 'Join this multicast group; repeatable' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l send-buffer -d 'The kernel\'s send buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l recv-buffer -d 'The kernel\'s receive buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s t -l threads -d 'Worker threads [default: cores, less one]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s i -l idle-timeout -d 'Close or forget who is silent for so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l allow-amplification -d 'Serve others though answers amplify'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l no-loop-guard -d 'Keep answering in an echo loop'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s 1 -l once -d 'Serve one client, then exit'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s k -l keep-open -d 'Serve until stopped (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s v -l verbose -d 'A line for each client; -vv: for each message too'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s q -l quiet -d 'No hints and no summary'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s x -l hex -d 'Dump every byte in hex'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s J -l json -d 'Log lines as JSON objects, on stdout'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s 4 -l ipv4 -d 'IPv4 only'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s 6 -l ipv6 -d 'IPv6 only'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l nodelay -d 'Send small pieces at once (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l no-nodelay -d 'Let the kernel gather small pieces (Nagle)'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -l broadcast -d 'Allow broadcast addresses'
complete -c netproto -n "__fish_netproto_using_subcommand serve" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s P -l protocol -d 'One of `netproto protocols`, or ./script.lua' -r -f -a "processed\t'answers `Processed: ` and the data, chunk by chunk'
echo\t'answers the data itself'
discard\t'throws away what comes, answers nothing'
chargen\t'sends lines of printing characters, over streams without end'
qotd\t'says one short quote'
daytime\t'says the date and time as text'
time\t'says the seconds since 1900 as 4 bytes, which wrap in 2036'
http\t'serves files or canned answers, and asks for them'
dns\t'answers questions about names, from a zone of yours'
smtp\t'takes mail and keeps it, or throws it away; sends mail'
ftp\t'carries files both ways, over connections of their own'
perf\t'takes and sends as many bytes as asked, and says what it counted'
raw\t'says the data, shows what comes; the client end for anything unknown'"
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s p -l param -d 'A parameter of it, such as delay=1s; repeatable' -r -f -a "(__fish_netproto_complete_param)"
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l framing -d 'Messages as lines, netstring, int32, ...' -r -f -a "raw\t'no framing: each piece as it comes'
lines\t'ends with LF or CRLF; CRLF is sent'
delimiter:\t'ends with STR, in which escapes like \\0 are known'
netstring\t'LENGTH:DATA, with the length in decimal'
int8\t'a length of 1 byte, then the data'
int16\t'a length of 2 bytes, big endian, then the data'
int32\t'a length of 4 bytes, big endian, then the data'
varint\t'a length in LEB128, then the data'"
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l max-frame -d 'Longest message of a framing' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s m -l max-connections -d 'Clients at once; more are closed' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l max-connections-per-peer -d 'The same, from one address' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l handshake-timeout -d 'For a client\'s first whole message' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s i -l idle-timeout -d 'Close a client that is silent for so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l grace -d 'To finish answers, stopped [default: 5s]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s t -l threads -d 'Worker threads [default: one per core, less one]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l stats -d 'Print totals every so often, as in 1s' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l metrics -d 'Figures for Prometheus, at ADDR/metrics' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l dscp -d 'Traffic class: 0 to 63, EF, CS1, AF41, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l ttl -d 'Hops a packet may take' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l interface -d 'Use this network interface only' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l mss -d 'Largest TCP segment, in bytes' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l congestion -d 'Congestion control: cubic, bbr, reno, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l keepalive -d 'Probe a silent peer after so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l send-buffer -d 'The kernel\'s send buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l recv-buffer -d 'The kernel\'s receive buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s 1 -l once -d 'Serve one client, then exit'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s k -l keep-open -d 'Serve until stopped (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s v -l verbose -d 'A line for each client; -vv: for each message too'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s q -l quiet -d 'No hints and no summary'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s x -l hex -d 'Dump every byte in hex'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s J -l json -d 'Log lines as JSON objects, on stdout'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s 4 -l ipv4 -d 'IPv4 only'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s 6 -l ipv6 -d 'IPv6 only'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l nodelay -d 'Send small pieces at once (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -l no-nodelay -d 'Let the kernel gather small pieces (Nagle)'
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s P -l protocol -d 'One of `netproto protocols`, or ./script.lua' -r -f -a "processed\t'answers `Processed: ` and the data, chunk by chunk'
echo\t'answers the data itself'
discard\t'throws away what comes, answers nothing'
chargen\t'sends lines of printing characters, over streams without end'
qotd\t'says one short quote'
daytime\t'says the date and time as text'
time\t'says the seconds since 1900 as 4 bytes, which wrap in 2036'
http\t'serves files or canned answers, and asks for them'
dns\t'answers questions about names, from a zone of yours'
smtp\t'takes mail and keeps it, or throws it away; sends mail'
ftp\t'carries files both ways, over connections of their own'
perf\t'takes and sends as many bytes as asked, and says what it counted'
raw\t'says the data, shows what comes; the client end for anything unknown'"
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s p -l param -d 'A parameter of it, such as delay=1s; repeatable' -r -f -a "(__fish_netproto_complete_param)"
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l framing -d 'Messages as lines, netstring, int32, ...' -r -f -a "raw\t'no framing: each piece as it comes'
lines\t'ends with LF or CRLF; CRLF is sent'
delimiter:\t'ends with STR, in which escapes like \\0 are known'
netstring\t'LENGTH:DATA, with the length in decimal'
int8\t'a length of 1 byte, then the data'
int16\t'a length of 2 bytes, big endian, then the data'
int32\t'a length of 4 bytes, big endian, then the data'
varint\t'a length in LEB128, then the data'"
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l max-frame -d 'Longest message of a framing' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l max-peers -d 'Peers remembered [default: 10k]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l grace -d 'To finish answers, stopped [default: 5s]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s t -l threads -d 'Worker threads [default: one per core, less one]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l stats -d 'Print totals every so often, as in 1s' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l metrics -d 'Figures for Prometheus, at ADDR/metrics' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l dscp -d 'Traffic class: 0 to 63, EF, CS1, AF41, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l ttl -d 'Hops a packet may take' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l interface -d 'Use this network interface only' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l join -d 'Join this multicast group; repeatable' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l send-buffer -d 'The kernel\'s send buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l recv-buffer -d 'The kernel\'s receive buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s i -l idle-timeout -d 'Forget a peer that is silent for so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l allow-amplification -d 'Serve others though answers amplify'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l no-loop-guard -d 'Keep answering in an echo loop'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s 1 -l once -d 'Serve one client, then exit'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s k -l keep-open -d 'Serve until stopped (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s v -l verbose -d 'A line for each client; -vv: for each message too'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s q -l quiet -d 'No hints and no summary'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s x -l hex -d 'Dump every byte in hex'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s J -l json -d 'Log lines as JSON objects, on stdout'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s 4 -l ipv4 -d 'IPv4 only'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s 6 -l ipv6 -d 'IPv6 only'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -l broadcast -d 'Allow broadcast addresses'
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s P -l protocol -d 'One of `netproto protocols`, or ./script.lua' -r -f -a "processed\t'answers `Processed: ` and the data, chunk by chunk'
echo\t'answers the data itself'
discard\t'throws away what comes, answers nothing'
chargen\t'sends lines of printing characters, over streams without end'
qotd\t'says one short quote'
daytime\t'says the date and time as text'
time\t'says the seconds since 1900 as 4 bytes, which wrap in 2036'
http\t'serves files or canned answers, and asks for them'
dns\t'answers questions about names, from a zone of yours'
smtp\t'takes mail and keeps it, or throws it away; sends mail'
ftp\t'carries files both ways, over connections of their own'
perf\t'takes and sends as many bytes as asked, and says what it counted'
raw\t'says the data, shows what comes; the client end for anything unknown'"
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s p -l param -d 'A parameter of it, such as delay=1s; repeatable' -r -f -a "(__fish_netproto_complete_param)"
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l framing -d 'Messages as lines, netstring, int32, ...' -r -f -a "raw\t'no framing: each piece as it comes'
lines\t'ends with LF or CRLF; CRLF is sent'
delimiter:\t'ends with STR, in which escapes like \\0 are known'
netstring\t'LENGTH:DATA, with the length in decimal'
int8\t'a length of 1 byte, then the data'
int16\t'a length of 2 bytes, big endian, then the data'
int32\t'a length of 4 bytes, big endian, then the data'
varint\t'a length in LEB128, then the data'"
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l max-frame -d 'Longest message of a framing' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s m -l max-connections -d 'Clients at once; more are closed' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l handshake-timeout -d 'For a client\'s first whole message' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l max-peers -d 'Peers remembered [default: 10k]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s i -l idle-timeout -d 'Close a client that is silent for so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l grace -d 'To finish answers, stopped [default: 5s]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s t -l threads -d 'Worker threads [default: one per core, less one]' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l stats -d 'Print totals every so often, as in 1s' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l metrics -d 'Figures for Prometheus, at ADDR/metrics' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l send-buffer -d 'The kernel\'s send buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l recv-buffer -d 'The kernel\'s receive buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -l datagram -d 'A datagram socket'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s 1 -l once -d 'Serve one client, then exit'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s k -l keep-open -d 'Serve until stopped (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s v -l verbose -d 'A line for each client; -vv: for each message too'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s q -l quiet -d 'No hints and no summary'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s x -l hex -d 'Dump every byte in hex'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s J -l json -d 'Log lines as JSON objects, on stdout'
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s p -l param -d 'A parameter of it, such as delay=1s; repeatable' -r -f -a "(__fish_netproto_complete_param)"
complete -c netproto -n "__fish_netproto_using_subcommand send" -l framing -d 'Messages as lines, netstring, int32, ...' -r -f -a "raw\t'no framing: each piece as it comes'
lines\t'ends with LF or CRLF; CRLF is sent'
delimiter:\t'ends with STR, in which escapes like \\0 are known'
netstring\t'LENGTH:DATA, with the length in decimal'
int8\t'a length of 1 byte, then the data'
int16\t'a length of 2 bytes, big endian, then the data'
int32\t'a length of 4 bytes, big endian, then the data'
varint\t'a length in LEB128, then the data'"
complete -c netproto -n "__fish_netproto_using_subcommand send" -l max-frame -d 'Longest message of a framing' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -s f -l file -d 'Send what FILE holds; - is standard input' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand send" -s w -l timeout -d 'Give up when nothing arrives for so long [udp: 1s]' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l replies -d 'End after so many answers' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l expect -d 'The answer must be this; escapes as in DATA' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l expect-re -d 'The answer must match this' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l expect-hex -d 'The answer must be these bytes' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -s n -l count -d 'Do it all so many times, with a summary' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l interval -d 'Time from one to the next' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l retry -d 'Try again so often if it can\'t connect' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l retry-delay -d 'Time between tries' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -s o -l output -d 'Write the answer to FILE' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand send" -s s -l source -d 'Our own address; bench: A,B take turns' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l dscp -d 'Traffic class: 0 to 63, EF, CS1, AF41, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l ttl -d 'Hops a packet may take' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l interface -d 'Use this network interface only' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l connect-timeout -d 'Stop trying to connect after so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l mss -d 'Largest TCP segment, in bytes' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l congestion -d 'Congestion control: cubic, bbr, reno, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l keepalive -d 'Probe a silent peer after so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l send-buffer -d 'The kernel\'s send buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l recv-buffer -d 'The kernel\'s receive buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l join -d 'Join this multicast group; repeatable' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l status -d 'The status that is right [otherwise: below 400]; a server answers everything with it' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l body -d 'The body of what is sent, in place of DATA' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l header -d 'A header field, \'Name: value\'; it takes the place of ours' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l method -d 'The method [GET; POST with a body]' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l urls -d 'Ask for each line: a path, or a URL for its Host' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand send" -l body-is -d 'The body of the answer must be what FILE holds' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand send" -l user -d 'Log in with this name and password' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l hostname -d 'Our own name [its address]' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l from -d 'The sender; <> is nobody [netproto@localhost]' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l to -d 'A recipient [postmaster]' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l subject -d 'The subject' -r
complete -c netproto -n "__fish_netproto_using_subcommand send" -l attach -d 'Attach this file' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand send" -l put -d 'Send this file or folder there' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand send" -s P -l protocol -d 'The protocol [default: raw, which fits any server]' -r -f -a "processed\t'answers `Processed: ` and the data, chunk by chunk'
echo\t'answers the data itself'
discard\t'throws away what comes, answers nothing'
chargen\t'sends lines of printing characters, over streams without end'
qotd\t'says one short quote'
daytime\t'says the date and time as text'
time\t'says the seconds since 1900 as 4 bytes, which wrap in 2036'
http\t'serves files or canned answers, and asks for them'
dns\t'answers questions about names, from a zone of yours'
smtp\t'takes mail and keeps it, or throws it away; sends mail'
ftp\t'carries files both ways, over connections of their own'
perf\t'takes and sends as many bytes as asked, and says what it counted'
raw\t'says the data, shows what comes; the client end for anything unknown'"
complete -c netproto -n "__fish_netproto_using_subcommand send" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand send" -l no-escapes -d 'Take DATA as it is: \\n is two letters'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s C -l crlf -d 'LF becomes CRLF'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l no-shutdown -d 'Keep our side open at the end of input'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s N -l shutdown -d 'Close our side at the end of input (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s z -l connect-only -d 'Connect, say nothing, close'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s x -l hex -d 'Show the answer as a hex dump'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s J -l json -d 'A JSON document for each exchange'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s q -l quiet -d 'Show no answer, only errors'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s v -l verbose -d 'Show addresses and times; -vv: each piece too'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l raw -d 'Never escape the answer, also on a terminal'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l trace -d 'Draw who said what when, as a ladder'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l datagram -d 'A Unix datagram socket'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s 4 -l ipv4 -d 'IPv4 only'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s 6 -l ipv6 -d 'IPv6 only'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l nodelay -d 'Send small pieces at once (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l no-nodelay -d 'Let the kernel gather small pieces (Nagle)'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l broadcast -d 'Allow broadcast addresses'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l chunked -d 'Send the body in chunks'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s L -l location -d 'Follow redirects'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l no-chunking -d 'Send with DATA also where BDAT is offered'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l list -d 'List the folder'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l remove -d 'Remove the file; or the empty folder, with / at its end'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l continue -d 'Go on with what was interrupted, either way'
complete -c netproto -n "__fish_netproto_using_subcommand send" -l active -d 'Let the server connect for data'
complete -c netproto -n "__fish_netproto_using_subcommand send" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s p -l param -d 'A parameter of it, such as delay=1s; repeatable' -r -f -a "(__fish_netproto_complete_param)"
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l framing -d 'Messages as lines, netstring, int32, ...' -r -f -a "raw\t'no framing: each piece as it comes'
lines\t'ends with LF or CRLF; CRLF is sent'
delimiter:\t'ends with STR, in which escapes like \\0 are known'
netstring\t'LENGTH:DATA, with the length in decimal'
int8\t'a length of 1 byte, then the data'
int16\t'a length of 2 bytes, big endian, then the data'
int32\t'a length of 4 bytes, big endian, then the data'
varint\t'a length in LEB128, then the data'"
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l max-frame -d 'Longest message of a framing' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s f -l file -d 'Send what FILE holds; - is standard input' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s c -l connections -l parallel -d 'Connections [default: 50; udp, bulk: 1]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s l -l length -d 'Length: 64 [default], 64..1500, 64:9,1400:1' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l data-file -d 'Send the lines of FILE in turn' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s r -l rate -d 'Requests per second, come what may (open loop)' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s b -l bit-rate -d 'The same, in bits per second of messages' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l arrivals -d 'Spread of an open loop: constant [default], poisson' -r -f -a "constant\t''
poisson\t''"
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l in-flight -d 'Requests under way on each connection [default: 1]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l stages -d 'In TIME to RATE, and so on: 10s:1k,30s:5k,10s:0' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l steps -d 'Rates in turn: 1k,2k,5k, or 10s:1k,20s:2k' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l sine -d 'A rate that swings: MEAN:AMPLITUDE:PERIOD' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l burst -d 'So many at once, every so often, as in 100/1s' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l connect-rate -d 'Open so many connections per second, at most' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s d -l duration -d 'How long to measure [default: 10s]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s n -l requests -d 'Stop after so many requests, not after --duration' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l ramp -d 'Rise to the full load in this time, first' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l omit -d 'Warm up for so long, uncounted' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s w -l timeout -d 'A reply is lost after so long [default: 10s; udp: 1s]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l repeat -d 'Run it so many times, show the spread' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s t -l threads -d 'Worker threads [default: cores; other on loopback, with --reconnect]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l find-max -d 'Find the highest rate that keeps this, as in \'p99<2ms\'' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l shard -d 'Be the I-th of N generators that share the load' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l start-at -d 'Begin then: 14:00, 2026-11-28T14:00:00Z, +5s' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l seed -d 'Seed of all random choices [default: 0]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l bulk -d 'As many bytes as go: up, down or both' -r -f -a "up\t''
down\t''
both\t''"
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l bytes -d 'Stop after so many bytes, not after --duration' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l fail-if -d 'Exit code 4 if so, as in \'p99>2ms\'; repeatable' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l server-pid -d 'Watch the server\'s process: its CPU and memory' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s i -l interval -d 'A line for each interval' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l csv -d 'Write the intervals as CSV' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l hdr -d 'Write an HdrHistogram interval log' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l metrics -d 'Figures for Prometheus, at ADDR/metrics' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l html -d 'Draw the run as one page with charts' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s s -l source -d 'Our own address; bench: A,B take turns' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l dscp -d 'Traffic class: 0 to 63, EF, CS1, AF41, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l ttl -d 'Hops a packet may take' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l interface -d 'Use this network interface only' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l connect-timeout -d 'Stop trying to connect after so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l mss -d 'Largest TCP segment, in bytes' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l congestion -d 'Congestion control: cubic, bbr, reno, ...' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l keepalive -d 'Probe a silent peer after so long' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l send-buffer -d 'The kernel\'s send buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l recv-buffer -d 'The kernel\'s receive buffer' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l join -d 'Join this multicast group; repeatable' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l status -d 'The status that is right [otherwise: below 400]; a server answers everything with it' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l body -d 'The body of what is sent, in place of DATA' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l header -d 'A header field, \'Name: value\'; it takes the place of ours' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l method -d 'The method [GET; POST with a body]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l urls -d 'Ask for each line: a path, or a URL for its Host' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l body-is -d 'The body of the answer must be what FILE holds' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l user -d 'Log in with this name and password' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l hostname -d 'Our own name [its address]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l from -d 'The sender; <> is nobody [netproto@localhost]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l to -d 'A recipient [postmaster]' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l subject -d 'The subject' -r
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l attach -d 'Attach this file' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l put -d 'Send this file or folder there' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s P -l protocol -d 'The protocol [default: asks the target once]' -r -f -a "processed\t'answers `Processed: ` and the data, chunk by chunk'
echo\t'answers the data itself'
discard\t'throws away what comes, answers nothing'
chargen\t'sends lines of printing characters, over streams without end'
qotd\t'says one short quote'
daytime\t'says the date and time as text'
time\t'says the seconds since 1900 as 4 bytes, which wrap in 2036'
http\t'serves files or canned answers, and asks for them'
dns\t'answers questions about names, from a zone of yours'
smtp\t'takes mail and keeps it, or throws it away; sends mail'
ftp\t'carries files both ways, over connections of their own'
perf\t'takes and sends as many bytes as asked, and says what it counted'
raw\t'says the data, shows what comes; the client end for anything unknown'"
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l no-escapes -d 'Take DATA as it is: \\n is two letters'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l reconnect -d 'A new connection for each request'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l hold -d 'Only open the connections and keep them'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l spin -d 'Never sleep: a core for each thread, shorter waits'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l zero-copy -d 'Send without copying into the kernel'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l skip-copy -d 'Drop what is received in the kernel, unread'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l one-way -d 'Datagrams that nobody answers: the server counts'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l no-gso -d 'One datagram in each call of the system'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s J -l json -d 'The report as one JSON document'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l json-stream -d 'A JSON object for each interval, then the report'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l live -d 'Watch it on the whole terminal, with keys to change it'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s q -l quiet -d 'Only the report: no progress, no hints'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s v -l verbose -d 'More detail'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l datagram -d 'A Unix datagram socket'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s 4 -l ipv4 -d 'IPv4 only'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s 6 -l ipv6 -d 'IPv6 only'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l nodelay -d 'Send small pieces at once (the default)'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l no-nodelay -d 'Let the kernel gather small pieces (Nagle)'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l broadcast -d 'Allow broadcast addresses'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l chunked -d 'Send the body in chunks'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s L -l location -d 'Follow redirects'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l no-chunking -d 'Send with DATA also where BDAT is offered'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l list -d 'List the folder'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l remove -d 'Remove the file; or the empty folder, with / at its end'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l continue -d 'Go on with what was interrupted, either way'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -l active -d 'Let the server connect for data'
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand compare" -l fail-if -d 'Exit code 4 if so, as in \'p99 worse 5%\'; repeatable' -r
complete -c netproto -n "__fish_netproto_using_subcommand compare" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand compare" -s J -l json -d 'As one JSON document'
complete -c netproto -n "__fish_netproto_using_subcommand compare" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand merge" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand merge" -s J -l json -d 'As one JSON document, which can be merged again'
complete -c netproto -n "__fish_netproto_using_subcommand merge" -s q -l quiet -d 'Only the report: no warnings'
complete -c netproto -n "__fish_netproto_using_subcommand merge" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand report" -l html -d 'Draw them as a page, in place of the text; - is standard output' -r -F
complete -c netproto -n "__fish_netproto_using_subcommand report" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand report" -s q -l quiet -d 'No hints'
complete -c netproto -n "__fish_netproto_using_subcommand report" -s v -l verbose -d 'More detail'
complete -c netproto -n "__fish_netproto_using_subcommand report" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand protocols" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand protocols" -s J -l json -d 'As one JSON document'
complete -c netproto -n "__fish_netproto_using_subcommand protocols" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand explain" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand explain" -s J -l json -d 'As one JSON document'
complete -c netproto -n "__fish_netproto_using_subcommand explain" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand completions" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand completions" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand man" -l dir -d 'Write every page to DIR; none: print the first' -r -f -a "(__fish_complete_directories)"
complete -c netproto -n "__fish_netproto_using_subcommand man" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand man" -s h -l help -d 'Show this'
complete -c netproto -n "__fish_netproto_using_subcommand help" -l color -d 'Colours: auto (on a terminal), always, never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c netproto -n "__fish_netproto_using_subcommand help" -s h -l help -d 'Show this'

function __fish_netproto_params
    switch "$argv"
        case 'server processed'
            printf '%s\n' delay=v
        case 'server echo'
            printf '%s\n' delay=v
        case 'server discard'
            true
        case 'server chargen'
            true
        case 'server qotd'
            printf '%s\n' quote=v
        case 'server daytime'
            true
        case 'server time'
            true
        case 'server http'
            printf '%s\n' root=d echo=b status=v body=v header=v chunked=b max-body=v head-timeout=v
        case 'server dns'
            printf '%s\n' zone=f ttl=v
        case 'server smtp'
            printf '%s\n' maildir=d mbox=f discard=b max-size=v max-recipients=v max-errors=v max-line=v greeting-delay=v reject-rcpt=v reject-from=v greylist=v allow-plain-auth=b user=v hostname=v
        case 'server ftp'
            printf '%s\n' root=d write=b user=v ports=v idle=v
        case 'server perf'
            printf '%s\n' max-time=v max-bytes=v
        case 'server raw'
            true
        case 'server *'
            printf '%s\n' delay=v quote=v root=d echo=b status=v body=v header=v chunked=b max-body=v head-timeout=v zone=f ttl=v maildir=d mbox=f discard=b max-size=v max-recipients=v max-errors=v max-line=v greeting-delay=v reject-rcpt=v reject-from=v greylist=v allow-plain-auth=b user=v hostname=v write=b ports=v idle=v max-time=v max-bytes=v
        case 'client processed'
            true
        case 'client echo'
            true
        case 'client discard'
            true
        case 'client chargen'
            true
        case 'client qotd'
            true
        case 'client daytime'
            true
        case 'client time'
            true
        case 'client http'
            printf '%s\n' status=v body=v header=v chunked=b method=v location=b urls=f body-is=f
        case 'client dns'
            true
        case 'client smtp'
            printf '%s\n' user=v hostname=v from=v to=v subject=v body=v attach=f header=v no-chunking=b
        case 'client ftp'
            printf '%s\n' user=v put=f list=b remove=b continue=b active=b
        case 'client perf'
            true
        case 'client raw'
            true
        case 'client *'
            printf '%s\n' status=v body=v header=v chunked=b method=v location=b urls=f body-is=f user=v hostname=v from=v to=v subject=v attach=f no-chunking=b put=f list=b remove=b continue=b active=b
        case 'both processed'
            printf '%s\n' delay=v
        case 'both echo'
            printf '%s\n' delay=v
        case 'both discard'
            true
        case 'both chargen'
            true
        case 'both qotd'
            printf '%s\n' quote=v
        case 'both daytime'
            true
        case 'both time'
            true
        case 'both http'
            printf '%s\n' root=d echo=b status=v body=v header=v chunked=b max-body=v head-timeout=v method=v location=b urls=f body-is=f
        case 'both dns'
            printf '%s\n' zone=f ttl=v
        case 'both smtp'
            printf '%s\n' maildir=d mbox=f discard=b max-size=v max-recipients=v max-errors=v max-line=v greeting-delay=v reject-rcpt=v reject-from=v greylist=v allow-plain-auth=b user=v hostname=v from=v to=v subject=v body=v attach=f header=v no-chunking=b
        case 'both ftp'
            printf '%s\n' root=d write=b user=v ports=v idle=v put=f list=b remove=b continue=b active=b
        case 'both perf'
            printf '%s\n' max-time=v max-bytes=v
        case 'both raw'
            true
        case 'both *'
            printf '%s\n' delay=v quote=v root=d echo=b status=v body=v header=v chunked=b max-body=v head-timeout=v method=v location=b urls=f body-is=f zone=f ttl=v maildir=d mbox=f discard=b max-size=v max-recipients=v max-errors=v max-line=v greeting-delay=v reject-rcpt=v reject-from=v greylist=v allow-plain-auth=b user=v hostname=v from=v to=v subject=v attach=f no-chunking=b write=b ports=v idle=v put=f list=b remove=b continue=b active=b max-time=v max-bytes=v
    end
end

function __fish_netproto_complete_param
    set -l end both
    set -l row ''
    set -l last ''
    for word in (commandline -opc)
        if contains -- "$last" -P --protocol
            set row $word
        end
        switch $word
            case serve serve-tcp serve-udp serve-unix
                set end server
            case send
                set end client
            case '--protocol=*'
                set row (string replace -- --protocol= '' $word)
            case '-P*'
                set row (string sub -s 3 -- $word)
            case '*'
                set -l name (string replace -r -- '://.*' '' $word)
                if test -z "$row"; and contains -- "$name" processed echo discard chargen qotd daytime time http dns smtp ftp perf raw
                    set row $name
                end
        end
        set last $word
    end
    set -l current (string replace -r -- '^(--param=|-p)' '' (commandline -ct))
    set -l pairs (__fish_netproto_params "$end $row")
    if not string match -q -- '*=*' "$current"
        string replace -r -- '=.$' '=' $pairs
        return
    end
    set -l halves (string split -m 1 -- = $current)
    set -l value $halves[2]
    if contains -- "$halves[1]=f" $pairs
        for file in $value*
            if test -d $file
                echo "$halves[1]=$file/"
            else
                echo "$halves[1]=$file"
            end
        end
    else if contains -- "$halves[1]=d" $pairs
        for folder in $value*/
            echo "$halves[1]=$folder"
        end
    else if contains -- "$halves[1]=b" $pairs
        printf '%s\n' "$halves[1]=true" "$halves[1]=false"
    end
end
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a processed -d 'answers `Processed: ` and the data, chunk by chunk'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a echo -d 'answers the data itself'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a discard -d 'throws away what comes, answers nothing'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a chargen -d 'sends lines of printing characters, over streams without end'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a qotd -d 'says one short quote'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a daytime -d 'says the date and time as text'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a time -d 'says the seconds since 1900 as 4 bytes, which wrap in 2036'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a http -d 'serves files or canned answers, and asks for them'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a dns -d 'answers questions about names, from a zone of yours'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a smtp -d 'takes mail and keeps it, or throws it away; sends mail'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a ftp -d 'carries files both ways, over connections of their own'
complete -c netproto -n "__fish_netproto_using_subcommand serve; and test (count (commandline -opc)) -eq 2" -a perf -d 'takes and sends as many bytes as asked, and says what it counted'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a tcp -d 'a byte stream to HOST:PORT'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a udp -d 'datagrams to HOST:PORT'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a unix -d 'a Unix socket at PATH'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a processed -d 'answers `Processed: ` and the data, chunk by chunk'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a echo -d 'answers the data itself'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a discard -d 'throws away what comes, answers nothing'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a chargen -d 'sends lines of printing characters, over streams without end'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a qotd -d 'says one short quote'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a daytime -d 'says the date and time as text'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a time -d 'says the seconds since 1900 as 4 bytes, which wrap in 2036'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a http -d 'serves files or canned answers, and asks for them'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a dns -d 'answers questions about names, from a zone of yours'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a smtp -d 'takes mail and keeps it, or throws it away; sends mail'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a ftp -d 'carries files both ways, over connections of their own'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a perf -d 'takes and sends as many bytes as asked, and says what it counted'
complete -c netproto -n "__fish_netproto_using_subcommand send; and test (count (commandline -opc)) -eq 2" -a raw -d 'says the data, shows what comes; the client end for anything unknown'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a tcp -d 'a byte stream to HOST:PORT'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a udp -d 'datagrams to HOST:PORT'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a unix -d 'a Unix socket at PATH'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a processed -d 'answers `Processed: ` and the data, chunk by chunk'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a echo -d 'answers the data itself'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a discard -d 'throws away what comes, answers nothing'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a chargen -d 'sends lines of printing characters, over streams without end'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a qotd -d 'says one short quote'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a daytime -d 'says the date and time as text'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a time -d 'says the seconds since 1900 as 4 bytes, which wrap in 2036'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a http -d 'serves files or canned answers, and asks for them'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a dns -d 'answers questions about names, from a zone of yours'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a smtp -d 'takes mail and keeps it, or throws it away; sends mail'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a ftp -d 'carries files both ways, over connections of their own'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a perf -d 'takes and sends as many bytes as asked, and says what it counted'
complete -c netproto -n "__fish_netproto_using_subcommand bench; and test (count (commandline -opc)) -eq 2" -a raw -d 'says the data, shows what comes; the client end for anything unknown'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a processed -d 'answers `Processed: ` and the data, chunk by chunk'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a echo -d 'answers the data itself'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a discard -d 'throws away what comes, answers nothing'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a chargen -d 'sends lines of printing characters, over streams without end'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a qotd -d 'says one short quote'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a daytime -d 'says the date and time as text'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a time -d 'says the seconds since 1900 as 4 bytes, which wrap in 2036'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a http -d 'serves files or canned answers, and asks for them'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a dns -d 'answers questions about names, from a zone of yours'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a smtp -d 'takes mail and keeps it, or throws it away; sends mail'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a ftp -d 'carries files both ways, over connections of their own'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a perf -d 'takes and sends as many bytes as asked, and says what it counted'
complete -c netproto -n "__fish_netproto_using_subcommand protocols; and test (count (commandline -opc)) -eq 2" -a raw -d 'says the data, shows what comes; the client end for anything unknown'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a processed -d 'answers `Processed: ` and the data, chunk by chunk'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a echo -d 'answers the data itself'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a discard -d 'throws away what comes, answers nothing'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a chargen -d 'sends lines of printing characters, over streams without end'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a qotd -d 'says one short quote'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a daytime -d 'says the date and time as text'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a time -d 'says the seconds since 1900 as 4 bytes, which wrap in 2036'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a http -d 'serves files or canned answers, and asks for them'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a dns -d 'answers questions about names, from a zone of yours'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a smtp -d 'takes mail and keeps it, or throws it away; sends mail'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a ftp -d 'carries files both ways, over connections of their own'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a perf -d 'takes and sends as many bytes as asked, and says what it counted'
complete -c netproto -n "__fish_netproto_using_subcommand explain; and test (count (commandline -opc)) -eq 2" -a raw -d 'says the data, shows what comes; the client end for anything unknown'
complete -c netproto -n "__fish_netproto_using_subcommand completions; and test (count (commandline -opc)) -eq 2" -a bash -d ''
complete -c netproto -n "__fish_netproto_using_subcommand completions; and test (count (commandline -opc)) -eq 2" -a elvish -d ''
complete -c netproto -n "__fish_netproto_using_subcommand completions; and test (count (commandline -opc)) -eq 2" -a fish -d ''
complete -c netproto -n "__fish_netproto_using_subcommand completions; and test (count (commandline -opc)) -eq 2" -a powershell -d ''
complete -c netproto -n "__fish_netproto_using_subcommand completions; and test (count (commandline -opc)) -eq 2" -a zsh -d ''
complete -c netproto -n "__fish_netproto_using_subcommand serve-tcp" -s P -l protocol -r -k -a "(__fish_complete_suffix .lua)"
complete -c netproto -n "__fish_netproto_using_subcommand serve-udp" -s P -l protocol -r -k -a "(__fish_complete_suffix .lua)"
complete -c netproto -n "__fish_netproto_using_subcommand serve-unix" -s P -l protocol -r -k -a "(__fish_complete_suffix .lua)"
complete -c netproto -n "__fish_netproto_using_subcommand send" -s P -l protocol -r -k -a "(__fish_complete_suffix .lua)"
complete -c netproto -n "__fish_netproto_using_subcommand bench" -s P -l protocol -r -k -a "(__fish_complete_suffix .lua)"
