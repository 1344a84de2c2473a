package lab

import "time"

// A Message is a letter that the server has taken, as it came.
type Message struct {
	ID         string    // the queue id of the 250: unique for the server, safe in a URL
	Number     int       // from 1, in the order of taking
	From       string    // envelope sender without its angle brackets; "" is the null sender
	To         []string  // envelope recipients that were accepted, in their order
	Parameters string    // of MAIL FROM, as the client wrote them: "BODY=8BITMIME SMTPUTF8"
	Raw        []byte    // header and body with their line ends, dots unstuffed. Not to be changed. See Keep
	Size       int       // of the whole letter in bytes, whatever Raw keeps of it
	At         time.Time // when the final dot had been read
	Conn       int       // number of the connection, from 1 in the order of their coming
	TLS        uint16    // tls.VersionTLS12 …; 0 is a connection in the clear
	User       string    // who was logged in; "" is nobody
	Hello      string    // how the client named itself
}

// A Keep says how much of each letter a server keeps.
type Keep int

// From everything, for reading, to nothing, for counting.
const (
	KeepEverything Keep = iota
	KeepHeaders         // Raw ends with the blank line after the header
	KeepNothing         // letters are counted, and given to OnAccept with a nil Raw; implies Discard
)
