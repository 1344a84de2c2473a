package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"convened"
	"convened/config"
	"convened/desk"
)

type userCommand struct {
	Add      userAddCommand      `cmd:"" help:"Make an account of the console. The password is asked for, or read from standard input."`
	List     userListCommand     `cmd:"" help:"All users and what they may do."`
	Grant    userGrantCommand    `cmd:"" help:"Let a user view or edit an event, or make them an administrator."`
	Revoke   userRevokeCommand   `cmd:"" help:"Take a role back."`
	Password userPasswordCommand `cmd:"" help:"Give a user another password; whoever is signed in as them is signed out."`
	Remove   userRemoveCommand   `cmd:"" help:"Remove an account. What was done with it stays on the trail."`
}

type userAddCommand struct {
	Email         string `arg:"" help:"The address to sign in with."`
	Name          string `help:"The name to show."`
	Administrator bool   `help:"May edit every event and see what concerns all of them."`
	NoPassword    bool   `help:"Signs in by console.oidc alone."`
}

// Run makes an account.
func (c userAddCommand) Run(e *env) error {
	password := ""
	if !c.NoPassword {
		var err error
		if password, err = e.newPassword(c.Email); err != nil {
			return err
		}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		u := convened.User{Email: c.Email, Name: c.Name, Administrator: c.Administrator}
		id, err := d.AddUser(e.ctx, e.clock(), u, password)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"user": c.Email, "id": int64(id)})
		}
		fmt.Fprintf(e.stdout, "%s: added\n", plain(c.Email))
		if !c.Administrator {
			fmt.Fprintf(e.stdout, "They may see nothing yet: convened user grant %s EVENT edit\n", plain(c.Email))
		}
		return nil
	})
}

// newPassword asks for a password twice, without an echo, or reads one line where
// nobody can be asked. It is never a flag, which every user of the machine could
// read.
func (e *env) newPassword(email string) (string, error) {
	f, ok := e.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(e.stdin, 1<<16)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password from standard input: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		if err := desk.CheckPassword(line); err != nil {
			return "", usageError{fmt.Errorf("standard input: %w", err)}
		}
		return line, nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(e.stderr, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(e.stderr)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return string(b), nil
	}
	password, err := ask(fmt.Sprintf("Password for %s: ", plain(email)))
	if err != nil {
		return "", err
	}
	if err := desk.CheckPassword(password); err != nil {
		return "", usageError{err}
	}
	again, err := ask("Once more: ")
	if err == nil && again != password {
		err = usageError{errors.New("the two differ; nothing was done")}
	}
	return password, err
}

type userListCommand struct{}

type userJSON struct {
	Email         string                   `json:"user"`
	Name          string                   `json:"name"`
	Administrator bool                     `json:"administrator"`
	Password      bool                     `json:"password"` // whether there is one
	CreatedAt     time.Time                `json:"created_at"`
	Roles         map[string]convened.Role `json:"roles"`
}

// Run lists the users.
func (userListCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		list, err := d.Store.Users(e.ctx)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			out := []userJSON{}
			for _, u := range list {
				roles := u.Roles
				if roles == nil {
					roles = map[string]convened.Role{}
				}
				out = append(out, userJSON{u.Email, u.Name, u.Administrator, u.HasPassword, u.CreatedAt, roles})
			}
			return e.printJSON(out)
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "There is no user yet: `convened user add EMAIL --administrator` makes one.")
			return nil
		}
		rows := [][]string{}
		for _, u := range list {
			var roles []string
			if u.Administrator {
				roles = append(roles, "administrator")
			}
			for _, event := range slices.Sorted(maps.Keys(u.Roles)) {
				roles = append(roles, event+": "+string(u.Roles[event]))
			}
			signsIn := "password"
			if !u.HasPassword {
				signsIn = "console.oidc"
			}
			rows = append(rows, []string{u.Email, u.Name, signsIn, strings.Join(roles, ", ")})
		}
		return e.printTable([]string{"USER", "NAME", "SIGNS IN BY", "MAY"}, rows)
	})
}

type userGrantCommand struct {
	Email         string        `arg:"" help:"The user's address."`
	Event         string        `arg:"" optional:"" help:"The event's slug."`
	Role          convened.Role `arg:"" optional:"" help:"view or edit."`
	Administrator bool          `help:"Instead of an event: edit every event, and see what concerns all of them."`
}

// Run grants a role.
func (c userGrantCommand) Run(e *env) error {
	if c.Administrator == (c.Event != "") || (c.Event == "") != (c.Role == "") {
		return usageError{errors.New("name an event and a role, view or edit; or say --administrator")}
	}
	if c.Role != "" && c.Role != convened.View && c.Role != convened.Edit {
		return usageError{fmt.Errorf("role %q is neither view nor edit", c.Role)}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		if c.Administrator {
			changed, err := d.Store.SetAdministrator(e.ctx, c.Email, true)
			return e.saidOfRole(changed, err, c.Email, "", "administrator")
		}
		changed, err := d.Store.Grant(e.ctx, c.Email, c.Event, c.Role)
		return e.saidOfRole(changed, err, c.Email, c.Event, string(c.Role))
	})
}

type userRevokeCommand struct {
	Email         string `arg:"" help:"The user's address."`
	Event         string `arg:"" optional:"" help:"The event's slug."`
	Administrator bool   `help:"Instead of an event: they are no administrator any more."`
}

// Run takes a role back. Whoever is signed in has lost it at their next click.
func (c userRevokeCommand) Run(e *env) error {
	if c.Administrator == (c.Event != "") {
		return usageError{errors.New("name an event, or say --administrator")}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		if c.Administrator {
			changed, err := d.Store.SetAdministrator(e.ctx, c.Email, false)
			return e.saidOfRole(changed, err, c.Email, "", "none")
		}
		changed, err := d.Store.Grant(e.ctx, c.Email, c.Event, convened.NoRole)
		return e.saidOfRole(changed, err, c.Email, c.Event, "none")
	})
}

// saidOfRole says what became of a role.
func (e *env) saidOfRole(changed bool, err error, email, event, role string) error {
	if err != nil {
		return err
	}
	if e.cli.JSON {
		return e.printJSON(map[string]any{"user": email, "event": event, "role": role, "changed": changed})
	}
	on := ""
	if event != "" {
		on = " on " + event
	}
	if !changed {
		fmt.Fprintf(e.stdout, "%s: nothing changes, the role%s was %s\n", plain(email), on, role)
		return nil
	}
	_, err = fmt.Fprintf(e.stdout, "%s: the role%s is %s\n", plain(email), on, role)
	return err
}

type userPasswordCommand struct {
	Email string `arg:"" help:"The user's address."`
}

// Run sets a password.
func (c userPasswordCommand) Run(e *env) error {
	password, err := e.newPassword(c.Email)
	if err != nil {
		return err
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		if err := d.SetPassword(e.ctx, c.Email, password); err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"user": c.Email, "password": "set"})
		}
		_, err := fmt.Fprintf(e.stdout, "%s: the password is set, and every session is ended\n", plain(c.Email))
		return err
	})
}

type userRemoveCommand struct {
	Email string `arg:"" help:"The user's address."`
}

// Run removes an account.
func (c userRemoveCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		if err := d.Store.RemoveUser(e.ctx, c.Email); err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"user": c.Email, "removed": true})
		}
		_, err := fmt.Fprintf(e.stdout, "%s: removed\n", plain(c.Email))
		return err
	})
}
