//! What shells need to complete `-p KEY=VALUE`: the keys of the protocol on the line, then files, folders or `true` and `false`.
//!
//! Bash and zsh share what finds the protocol and its keys; fish has the same in its own language. A key is printed as
//! `key=kind`: f is a file, d a folder, b a switch, v anything else.

use std::fmt::Write as _;

use crate::protocol::{ALL, Ends, Param, ParamKind, Protocol};

/// What `-p` completes with in zsh and fish, and what bash asks first.
const ZSH: &str = "_netproto_complete_param";
const FISH: &str = "__fish_netproto_complete_param";

fn kind(param: &Param) -> char {
    match param.kind {
        ParamKind::File(_) | ParamKind::Contents | ParamKind::Place | ParamKind::Appended => 'f',
        ParamKind::Folder { .. } => 'd',
        ParamKind::Switch => 'b',
        _ => 'v',
    }
}

/// Each once, even where several rows have it.
fn keys<'a>(rows: impl IntoIterator<Item = &'a &'static Protocol>, end: Ends) -> String {
    let mut keys: Vec<String> = Vec::new();
    for param in rows.into_iter().flat_map(|row| row.params).filter(|param| param.is_of(end)) {
        let known = keys.iter().any(|key| key.split('=').next() == Some(param.name));
        keys.extend((!known).then(|| format!("{}={}", param.name, kind(param))));
    }
    keys.join(" ")
}

/// Which end has which keys with which protocol: `case` takes the first that fits. A load may have a server of its own.
fn table(arm: impl Fn(&str, &str) -> String) -> String {
    let mut table = String::new();
    for (end, name) in [(Ends::Server, "server"), (Ends::Client, "client"), (Ends::Both, "both")] {
        for row in ALL {
            table.push_str(&arm(&format!("'{name} {}'", row.name), &keys([row], end)));
        }
        // No protocol that is known.
        table.push_str(&arm(&format!("'{name} '*"), &keys(ALL, end)));
    }
    table
}

fn names() -> String {
    ALL.iter().map(|row| row.name).collect::<Vec<_>>().join(" ")
}

/// For bash and zsh: the keys for the words that are their arguments.
fn shared() -> String {
    let table = table(|pattern, keys| {
        let say = if keys.is_empty() { ":".into() } else { format!("printf '%s\\n' {keys}") };
        format!("        {pattern}) {say} ;;\n")
    });
    let names = names();
    format!(
        r#"_netproto_params() {{
    local word name last= end= row=
    for word in "$@"; do
        case "$last" in
            -P | --protocol) row=$word ;;
        esac
        name=${{word%%://*}}
        case "$word" in
            serve | serve-tcp | serve-udp | serve-unix) end=${{end:-server}} ;;
            send) end=${{end:-client}} ;;
            bench) end=${{end:-both}} ;;
            --protocol=*) row=${{word#*=}} ;;
            -P?*) row=${{word#-P}} ;;
            ?*) case " {names} " in *" $name "*) row=${{row:-$name}} ;; esac ;;
        esac
        last=$word
    done
    case "${{end:-both}} $row" in
{table}    esac
}}

"#
    )
}

/// The script for bash, with parameters.
pub(super) fn bash(script: &str) -> String {
    let begin = "    COMPREPLY=()\n";
    let asked = format!("{begin}    _netproto_complete_param && return 0\n");
    shared() + BASH + &script.replacen(begin, &asked, 1)
}

/// Bash cuts words at `=`, unless told otherwise: so the line is read anew.
const BASH: &str = r#"_netproto_complete_param() {
    local line=${COMP_LINE:0:COMP_POINT} key value kind pair pairs words=()
    [[ -n $line ]] || line="${COMP_WORDS[*]:0:COMP_CWORD+1}"
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local at=$((${#words[@]} - 1))
    [[ $at -ge 2 ]] || return 1
    value=${words[at]}
    case "$value" in
        --param=*) value=${value#--param=} ;;
        *) [[ ${words[at - 1]} == -p || ${words[at - 1]} == --param ]] || return 1 ;;
    esac
    pairs=$(_netproto_params "${words[@]:1:at-1}")
    # Where nothing fits, no file does.
    compopt +o default +o bashdefault 2> /dev/null
    if [[ $value != *=* ]]; then
        for pair in $pairs; do
            [[ $pair == "$value"* ]] && COMPREPLY+=("${pair%=*}=")
        done
        compopt -o nospace 2> /dev/null
        return 0
    fi
    key=${value%%=*} value=${value#*=}
    for pair in $pairs; do
        [[ ${pair%=*} == "$key" ]] && kind=${pair#*=}
    done
    case "$kind" in
        f) kind=-f ;;
        d) kind=-d ;;
        b) kind="-W true\ false" ;;
        *) return 0 ;;
    esac
    while IFS= read -r pair; do
        [[ $COMP_WORDBREAKS == *=* ]] || pair=$key=$pair
        COMPREPLY+=("$pair")
    done < <(eval "compgen $kind" -- '"$value"')
    [[ $kind == -W* ]] || compopt -o filenames 2> /dev/null
    return 0
}

"#;

/// The script for zsh, with parameters.
pub(super) fn zsh(script: &str) -> String {
    let functions = format!("{}{ZSH}(){ZSH_BODY}", shared());
    let script = script.replace(":KEY=VALUE:_default'", &format!(":KEY=VALUE:{ZSH}'"));
    script.replacen("if [ \"$funcstack[1]\"", &format!("{functions}if [ \"$funcstack[1]\""), 1)
}

const ZSH_BODY: &str = r#" {
    local -a pairs
    local pair key kind
    pairs=(${(f)"$(_netproto_params "${(@)words[1,CURRENT-1]}")"})
    if ! compset -P 1 '*='; then
        compadd -S '' -- ${pairs/%=?/=}
        return
    fi
    key=${${${IPREFIX%=}##*=}#-p}
    for pair in $pairs; do
        [[ ${pair%=?} == $key ]] && kind=${pair##*=}
    done
    case $kind in
        (f) _files ;;
        (d) _files -/ ;;
        (b) compadd true false ;;
        (*) _message value ;;
    esac
}

"#;

/// The script for fish, with parameters.
pub(super) fn fish(script: &str) -> String {
    let mut lines = String::new();
    for line in script.lines() {
        let flag = line.contains(" -s p -l param ");
        let _ = writeln!(lines, "{line}{}", if flag { format!(" -f -a \"({FISH})\"") } else { String::new() });
    }
    let table = table(|pattern, keys| {
        let say = if keys.is_empty() { "true".into() } else { format!("printf '%s\\n' {keys}") };
        // Here a star that is not quoted is a name of files.
        format!("        case {}\n            {say}\n", pattern.replace("'*", "*'"))
    });
    let names = names();
    format!(
        "{lines}\nfunction __fish_netproto_params\n    switch \"$argv\"\n{table}    end\nend\n{}",
        FISH_BODY.replace("NAMES", &names)
    )
}

const FISH_BODY: &str = r#"
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
                if test -z "$row"; and contains -- "$name" NAMES
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
"#;
