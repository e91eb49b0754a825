package mongostub

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

// A command is what a client asks. It is valid until the next one is read.
type command struct {
	id     int32
	opcode wiremessage.OpCode // opQuery until the driver knows that OP_MSG is understood
	name   string
	body   bson.Raw
	docs   []bsoncore.Document // documents, updates or deletes: the driver sends them beside the body, RunCommand in it
}

// The opcodes that only a driver's first command has, and its answer.
const (
	opReply wiremessage.OpCode = 1
	opQuery wiremessage.OpCode = 2004
)

const (
	headerSize     = 16
	maxMessageSize = 48_000_000
)

var errMessage = errors.New("a message cannot be read")

// readCommand reads into buf and returns what became of that.
func readCommand(in io.Reader, buf []byte) (command, []byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return command{}, buf, err
	}
	length, id, _, opcode, _, _ := wiremessage.ReadHeader(header[:])
	if length < headerSize || length > maxMessageSize {
		return command{}, buf, errMessage
	}
	size := int(length) - headerSize
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(in, buf); err != nil {
		return command{}, buf, err
	}
	c := command{id: id, opcode: opcode}
	ok := false
	switch opcode {
	case wiremessage.OpMsg:
		ok = c.parseMsg(buf)
	case opQuery:
		ok = c.parseQuery(buf)
	default:
		return c, buf, fmt.Errorf("opcode %v is not known", opcode)
	}
	if !ok {
		return c, buf, errMessage
	}
	first, err := c.body.IndexErr(0)
	if err != nil {
		return c, buf, err
	}
	c.name = first.Key()
	if list := statements[c.name]; list != "" && c.docs == nil {
		err = c.parseStatements(list)
	}
	return c, buf, err
}

// statements are where commands have theirs.
var statements = map[string]string{"insert": "documents", "update": "updates", "delete": "deletes"}

func (c *command) parseStatements(list string) error {
	array, _ := c.body.Lookup(list).ArrayOK()
	values, err := array.Values()
	for _, v := range values {
		c.docs = append(c.docs, bsoncore.Document(v.Value))
	}
	return err
}

func (c *command) parseMsg(rest []byte) bool {
	_, rest, ok := wiremessage.ReadMsgFlags(rest) // the driver sends no checksum, and waits for every answer
	for ok && len(rest) > 0 {
		var section wiremessage.SectionType
		if section, rest, ok = wiremessage.ReadMsgSectionType(rest); !ok {
			return false
		}
		switch section {
		case wiremessage.SingleDocument:
			var doc bsoncore.Document
			doc, rest, ok = wiremessage.ReadMsgSectionSingleDocument(rest)
			c.body = bson.Raw(doc)
		case wiremessage.DocumentSequence:
			_, c.docs, rest, ok = wiremessage.ReadMsgSectionDocumentSequence(rest)
		default:
			return false
		}
	}
	return ok && c.body != nil
}

func (c *command) parseQuery(rest []byte) bool {
	const flagsSize, skipAndReturnSize = 4, 8
	if len(rest) < flagsSize {
		return false
	}
	end := bytes.IndexByte(rest[flagsSize:], 0) // of the collection's name
	if end < 0 {
		return false
	}
	rest = rest[flagsSize+end+1:]
	if len(rest) < skipAndReturnSize {
		return false
	}
	query, _, ok := bsoncore.ReadDocument(rest[skipAndReturnSize:])
	c.body = bson.Raw(query)
	return ok
}

// message is the answer in the form in which the command came.
func (c *command) message(reply bson.Raw) []byte {
	m := make([]byte, 0, headerSize+20+len(reply))
	if c.opcode == opQuery {
		const cursorAndStartSize = 12
		_, m = wiremessage.AppendHeaderStart(m, 0, c.id, opReply)
		m = binary.LittleEndian.AppendUint32(m, 0) // flags
		m = append(m, make([]byte, cursorAndStartSize)...)
		m = binary.LittleEndian.AppendUint32(m, 1) // number of documents
	} else {
		_, m = wiremessage.AppendHeaderStart(m, 0, c.id, wiremessage.OpMsg)
		m = wiremessage.AppendMsgFlags(m, 0)
		m = wiremessage.AppendMsgSectionType(m, wiremessage.SingleDocument)
	}
	m = append(m, reply...)
	binary.LittleEndian.PutUint32(m, uint32(len(m)))
	return m
}
