package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Which shell: ${enum}."`
}

// A completionWord is what may follow a command.
type completionWord struct{ word, help string }

// Run prints a script made from the very model that the command line is parsed
// with, so that it can't name what does not exist.
func (c completionCommand) Run(e *env) error {
	words := map[string][]completionWord{}
	var order []string
	var walk func(path string, n *kong.Node)
	walk = func(path string, n *kong.Node) {
		order = append(order, path)
		for _, child := range n.Children {
			if child.Type == kong.CommandNode && !child.Hidden {
				words[path] = append(words[path], completionWord{child.Name, child.Help})
			}
		}
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				words[path] = append(words[path], completionWord{"--" + f.Name, f.Help})
			}
		}
		for _, child := range n.Children {
			if child.Type == kong.CommandNode && !child.Hidden {
				walk(strings.TrimSpace(path+" "+child.Name), child)
			}
		}
	}
	walk("", e.kong.Model.Node)
	switch c.Shell {
	case "fish":
		return e.fish(order, words)
	case "zsh":
		fmt.Fprint(e.stdout, "#compdef convened\nautoload -U +X bashcompinit && bashcompinit\n")
	}
	return e.bash(order, words)
}

func (e *env) bash(order []string, words map[string][]completionWord) error {
	out := e.stdout
	fmt.Fprint(out, `# convened completion: words by the commands before the cursor, else files.
_convened() {
    local word path="" here="${COMP_WORDS[COMP_CWORD]}" choices=""
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$word" in
        -*) ;;
        *) case " $_convened_commands " in *" ${path:+$path/}$word "*) path="${path:+$path/}$word" ;; esac ;;
        esac
    done
    case "$path" in
`)
	var commands []string
	for _, p := range order {
		key := strings.ReplaceAll(p, " ", "/")
		if key != "" {
			commands = append(commands, key)
		}
		var list []string
		for _, w := range words[p] {
			list = append(list, w.word)
		}
		fmt.Fprintf(out, "    %q) choices=%q ;;\n", key, strings.Join(list, " "))
	}
	_, err := fmt.Fprintf(out, `    esac
    COMPREPLY=($(compgen -W "$choices" -- "$here"))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$here"))
}
_convened_commands=%q
complete -o filenames -F _convened convened
`, strings.Join(commands, " "))
	return err
}

func (e *env) fish(order []string, words map[string][]completionWord) error {
	fmt.Fprint(e.stdout, `# convened completion
function __convened_at
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or set -a path $word
    end
    test "$path" = "$argv"; or string match -q -- "$argv *" "$path"
end
`)
	for _, p := range order {
		for _, w := range words[p] {
			what := "-a " + w.word
			if name, flag := strings.CutPrefix(w.word, "--"); flag {
				what = "-l " + name
			} else if p == "" || slices.Contains(order, p+" "+w.word) {
				what = "-f -a " + w.word
			}
			fmt.Fprintf(e.stdout, "complete -c convened -n '__convened_at %s' %s -d %s\n", p, what, "'"+strings.ReplaceAll(w.help, "'", "\\'")+"'")
		}
	}
	return nil
}
