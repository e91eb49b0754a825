package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// mostStatements is how many updates or deletes of one command are passed on together.
// FerretDB keeps one of its 100 connections to a database for each of them until the
// command ends, so it never answers a command of more than that. MongoDB accepts 100,000.
const mostStatements = 50

// lists are the names of the lists of statements, by command.
var lists = map[string]string{"update": "updates", "delete": "deletes"}

var errMessage = errors.New("a message that is no OP_MSG as drivers write it")

// divided returns a command of many updates or deletes as several of fewer. It returns
// nil for any other message.
func divided(message []byte) ([][]byte, error) {
	list, ok := lists[commandOf(message)]
	if !ok {
		return nil, nil
	}
	body, statements, err := statementsOf(message[headerSize+4:], list)
	if err != nil || len(statements) <= mostStatements {
		return nil, err
	}
	elements, err := body.Elements()
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	for chunk := range slices.Chunk(statements, mostStatements) {
		part := append([]byte{}, message[:headerSize+4]...)
		part = append(part, 0) // a section that is the body
		doc, part := bsoncore.AppendDocumentStart(part)
		for _, e := range elements {
			if e.Key() != list {
				part = append(part, e...)
			}
		}
		array, part := bsoncore.AppendArrayElementStart(part, list)
		for i, u := range chunk {
			part = bsoncore.AppendDocumentElement(part, strconv.Itoa(i), u)
		}
		if part, err = bsoncore.AppendArrayEnd(part, array); err != nil {
			return nil, err
		}
		if part, err = bsoncore.AppendDocumentEnd(part, doc); err != nil {
			return nil, err
		}
		binary.LittleEndian.PutUint32(part, uint32(len(part)))
		parts = append(parts, part)
	}
	return parts, nil
}

// statementsOf returns the body of a command and its list of statements, which is in the
// body or in a section of its own.
func statementsOf(sections []byte, list string) (body bsoncore.Document, statements []bsoncore.Document, err error) {
	for len(sections) > 0 {
		kind := sections[0]
		sections = sections[1:]
		switch kind {
		case 0:
			doc, rest, ok := bsoncore.ReadDocument(sections)
			if !ok {
				return nil, nil, errMessage
			}
			body, sections = doc, rest
			if array, ok := doc.Lookup(list).ArrayOK(); ok {
				values, err := array.Values()
				if err != nil {
					return nil, nil, err
				}
				for _, v := range values {
					statements = append(statements, v.Document())
				}
			}
		case 1:
			if len(sections) < 4 || int(binary.LittleEndian.Uint32(sections)) > len(sections) {
				return nil, nil, errMessage
			}
			size := int(binary.LittleEndian.Uint32(sections))
			_, docs, found := bytes.Cut(sections[4:size], []byte{0})
			if !found {
				return nil, nil, errMessage
			}
			for len(docs) > 0 {
				doc, rest, ok := bsoncore.ReadDocument(docs)
				if !ok {
					return nil, nil, errMessage
				}
				statements, docs = append(statements, doc), rest
			}
			sections = sections[size:]
		default:
			return nil, nil, errMessage
		}
	}
	return body, statements, nil
}

// united returns the answers to the parts of a command as one. An answer that
// says that a part failed stands for all.
func united(answers [][]byte) ([]byte, error) {
	var n, modified int64
	var upserted, failed []bsoncore.Document
	for part, answer := range answers {
		body, _, err := statementsOf(answer[headerSize+4:], "")
		if err != nil {
			return nil, err
		}
		if ok, _ := body.Lookup("ok").AsInt64OK(); ok != 1 {
			return answer, nil
		}
		count, _ := body.Lookup("n").AsInt64OK()
		changed, _ := body.Lookup("nModified").AsInt64OK()
		n, modified = n+count, modified+changed
		for list, docs := range map[string]*[]bsoncore.Document{"upserted": &upserted, "writeErrors": &failed} {
			array, ok := body.Lookup(list).ArrayOK()
			if !ok {
				continue
			}
			values, err := array.Values()
			if err != nil {
				return nil, err
			}
			for _, v := range values {
				moved, err := moved(v.Document(), int32(part*mostStatements))
				if err != nil {
					return nil, err
				}
				*docs = append(*docs, moved)
			}
		}
	}
	message := append([]byte{}, answers[0][:headerSize+4]...)
	message = append(message, 0)
	doc, message := bsoncore.AppendDocumentStart(message)
	message = bsoncore.AppendInt64Element(message, "n", n)
	message = bsoncore.AppendInt64Element(message, "nModified", modified)
	for list, docs := range map[string][]bsoncore.Document{"upserted": upserted, "writeErrors": failed} {
		if len(docs) == 0 {
			continue
		}
		array, m := bsoncore.AppendArrayElementStart(message, list)
		for i, d := range docs {
			m = bsoncore.AppendDocumentElement(m, strconv.Itoa(i), d)
		}
		message, _ = bsoncore.AppendArrayEnd(m, array)
	}
	message = bsoncore.AppendDoubleElement(message, "ok", 1)
	message, err := bsoncore.AppendDocumentEnd(message, doc)
	if err != nil {
		return nil, err
	}
	binary.LittleEndian.PutUint32(message, uint32(len(message)))
	return message, nil
}

// moved returns a document whose index counts from the beginning of the whole command.
func moved(d bsoncore.Document, by int32) (bsoncore.Document, error) {
	elements, err := d.Elements()
	if err != nil {
		return nil, err
	}
	start, doc := bsoncore.AppendDocumentStart(nil)
	for _, e := range elements {
		if e.Key() == "index" {
			i, _ := e.Value().AsInt64OK()
			doc = bsoncore.AppendInt32Element(doc, "index", int32(i)+by)
			continue
		}
		doc = append(doc, e...)
	}
	return bsoncore.AppendDocumentEnd(doc, start)
}
