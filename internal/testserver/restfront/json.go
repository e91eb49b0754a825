package restfront

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	if err != nil {
		return nil, fmt.Errorf("ERR max request size exceeded. Limit: %d bytes", MaxRequest)
	}
	return body, nil
}

// parseCommand reads a JSON array of text, numbers and booleans. Numbers stay as
// they are written.
func parseCommand(body []byte) ([]string, error) {
	var args []any
	if decode(body, &args) != nil || args == nil {
		return nil, errors.New("ERR failed to parse command")
	}
	return words(args)
}

func parseCommands(body []byte) ([][]string, error) {
	var rows [][]any
	if decode(body, &rows) != nil || rows == nil {
		return nil, errors.New("ERR failed to parse pipeline request")
	}
	if len(rows) == 0 {
		return nil, errors.New("ERR empty pipeline request")
	}
	commands := make([][]string, len(rows))
	for i, row := range rows {
		var err error
		if commands[i], err = words(row); err != nil {
			return nil, err
		}
	}
	return commands, nil
}

func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

func words(args []any) ([]string, error) {
	if len(args) == 0 {
		return nil, errors.New("ERR empty command")
	}
	command := make([]string, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			command[i] = arg
		case json.Number:
			command[i] = arg.String()
		case bool:
			command[i] = strconv.FormatBool(arg)
		case nil:
			return nil, errors.New("ERR null args are not supported")
		default:
			return nil, errors.New("ERR failed to parse command")
		}
	}
	return command, nil
}

// An item is the answer to one command.
type item struct {
	Result any
	Error  string
}

// MarshalJSON implements [json.Marshaler]: a result of null is written too.
func (i item) MarshalJSON() ([]byte, error) {
	if i.Error != "" {
		return json.Marshal(map[string]string{"error": i.Error})
	}
	return json.Marshal(map[string]any{"result": i.Result})
}

// An encoder writes the server's replies as JSON values.
type encoder struct{ base64 bool }

func (e encoder) item(reply any) item {
	if err, ok := reply.(respError); ok {
		return item{Error: string(err)}
	}
	if status, ok := reply.(respStatus); ok && status == "OK" {
		return item{Result: "OK"}
	}
	return item{Result: e.value(reply)}
}

// value encodes text at any depth. Only the whole reply OK stays as it is: in an
// array the npm client decodes every text, and would take a bare OK for base64.
// Without base64, bytes that are no UTF-8 become U+FFFD in json.Marshal.
func (e encoder) value(reply any) any {
	switch reply := reply.(type) {
	case respStatus:
		return e.text(string(reply))
	case respError:
		return e.text(string(reply))
	case []byte:
		return e.text(string(reply))
	case []any:
		values := make([]any, len(reply))
		for i, v := range reply {
			values[i] = e.value(v)
		}
		return values
	}
	return reply // an integer or null
}

func (e encoder) text(s string) string {
	if e.base64 {
		return base64.StdEncoding.EncodeToString([]byte(s))
	}
	return s
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, item{Error: message})
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
