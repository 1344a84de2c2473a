//go:build unix

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
)

// SharedPostgres is the environment variable that holds the superuser's URL of
// a server for tests, which then start none of their own.
const SharedPostgres = "CONVENED_TEST_POSTGRES"

// CreateDatabase makes a database as a copy of template ("" is an empty one).
// Nobody may be connected to the template.
func (p *Postgres) CreateDatabase(name, template string) error {
	return CreateDatabase(context.Background(), p.URL("postgres"), name, template)
}

// DropDatabase drops a database, cutting off whoever is connected to it. One
// that is not there is dropped already.
func (p *Postgres) DropDatabase(name string) error {
	return DropDatabase(context.Background(), p.URL("postgres"), name)
}

// DatabaseURL returns the URL of another database on the server of a URL.
func DatabaseURL(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", errUnparsable
	}
	u.Path = "/" + name
	return u.String(), nil
}

// errUnparsable stands in for the error of url.Parse, which quotes the URL
// and with it the password.
var errUnparsable = errors.New("the URL of the Postgres server can't be parsed")

// CreateDatabase makes a database on the server of a superuser's URL, as a copy of
// template ("" is an empty one). It runs createdb.
func CreateDatabase(ctx context.Context, server, name, template string) error {
	arguments := []string{name}
	if template != "" {
		arguments = append(arguments, "--template="+template)
	}
	ways := [][]string{arguments}
	if bin, _ := installed(); bin.major >= 15 {
		// Copying files takes half the time of copying pages by way of the log,
		// which createdb does by default since 15. An older server elsewhere
		// does not know the option.
		ways = [][]string{append(arguments, "--strategy=file_copy"), arguments}
	}
	var err error
	for _, way := range ways {
		err = runClient(ctx, server, "createdb", way...)
		if err == nil || !strings.Contains(err.Error(), `"strategy" not recognized`) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// DropDatabase drops a database on the server of a superuser's URL, cutting
// off whoever is connected to it. It runs dropdb.
func DropDatabase(ctx context.Context, server, name string) error {
	if err := runClient(ctx, server, "dropdb", "--force", "--if-exists", name); err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

func runClient(ctx context.Context, server, program string, arguments ...string) error {
	cmd, err := ClientCommand(ctx, server, program, arguments...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", program, err, bytes.TrimSpace(out))
	}
	return nil
}

// ClientCommand returns the command of a client program of Postgres (createdb, dropdb
// or psql) for the server of a URL. The password goes by the environment, since
// anyone can read a command line.
func ClientCommand(ctx context.Context, server, program string, arguments ...string) (*exec.Cmd, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, errUnparsable
	}
	var extra []string
	if password, ok := u.User.Password(); ok {
		u.User = url.User(u.User.Username())
		extra = []string{"PGPASSWORD=" + password}
	}
	bin, _ := installed() // without a server here PATH may still have its clients
	path, err := bin.path(program)
	if err != nil {
		return nil, err
	}
	option := "--maintenance-db="
	if program == "psql" {
		option = "--dbname="
	}
	cmd := exec.CommandContext(ctx, path, append([]string{option + u.String()}, arguments...)...)
	cmd.Env = environment(extra...)
	return cmd, nil
}
