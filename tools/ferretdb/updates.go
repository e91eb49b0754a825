package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// mostUpdates is how many updates of one command are passed on together. FerretDB
// keeps one of its 100 connections to a database for each update until the command
// ends, so it never answers a command of more than that. MongoDB accepts 100,000.
const mostUpdates = 50

var errMessage = errors.New("a message that is no OP_MSG as drivers write it")

// divided returns an update command of many updates as several of fewer. It returns
// nil for any other message.
func divided(message []byte) ([][]byte, error) {
	if commandOf(message) != "update" {
		return nil, nil
	}
	body, updates, err := updatesOf(message[headerSize+4:])
	if err != nil || len(updates) <= mostUpdates {
		return nil, err
	}
	elements, err := body.Elements()
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	for chunk := range slices.Chunk(updates, mostUpdates) {
		part := append([]byte{}, message[:headerSize+4]...)
		part = append(part, 0) // a section that is the body
		doc, part := bsoncore.AppendDocumentStart(part)
		for _, e := range elements {
			if e.Key() != "updates" {
				part = append(part, e...)
			}
		}
		array, part := bsoncore.AppendArrayElementStart(part, "updates")
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

// updatesOf returns the body of an update command and its updates, which are in the
// body or in a section of their own.
func updatesOf(sections []byte) (body bsoncore.Document, updates []bsoncore.Document, err error) {
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
			if list, ok := doc.Lookup("updates").ArrayOK(); ok {
				values, err := list.Values()
				if err != nil {
					return nil, nil, err
				}
				for _, v := range values {
					updates = append(updates, v.Document())
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
				updates, docs = append(updates, doc), rest
			}
			sections = sections[size:]
		default:
			return nil, nil, errMessage
		}
	}
	return body, updates, nil
}

// united returns the answers to the parts of an update command as one. An answer that
// says that a part failed stands for all.
func united(answers [][]byte) ([]byte, error) {
	var n, modified int64
	var upserted, failed []bsoncore.Document
	for part, answer := range answers {
		body, _, err := updatesOf(answer[headerSize+4:])
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
			values, _ := body.Lookup(list).Array().Values()
			for _, v := range values {
				moved, err := moved(v.Document(), int32(part*mostUpdates))
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
