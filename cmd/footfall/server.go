package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/footfall-go/footfall/internal/datadir"
	"github.com/footfall-go/footfall/internal/timetext"
)

// openAlone opens what a server would, for a command that changes something while none
// runs: without cookies, requests and jobs.
func openAlone(c *config) (*node, error) {
	c.Secrets, c.DisableJobs = []string{newToken()}, true
	c.StoreTimeout = time.Second
	return openNode(c, slog.New(slog.DiscardHandler))
}

// askServer posts a question to the process that runs on DATA_DIR.
func askServer(in datadir.Address, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, in.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+in.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("DATA_DIR: the footfall that runs on it (process %d) does not answer: %w: look at its log; if it hangs, end it, and run this again", in.PID, withoutRequest(err))
	}
	defer resp.Body.Close()
	said := struct {
		Data    any    `json:"data"`
		Message string `json:"message"`
	}{Data: answer}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(b, &said)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(said.Message)
	}
	if err != nil {
		return fmt.Errorf("DATA_DIR: the footfall that runs on it (process %d) answered %s: %w: look at its log, or run footfall doctor", in.PID, resp.Status, err)
	}
	return nil
}

// withoutRequest leaves the method and the URL out of an error of an HTTP client.
func withoutRequest(err error) error {
	var outer *url.Error
	switch {
	case !errors.As(err, &outer):
		return err
	case outer.Timeout():
		return fmt.Errorf("nothing came within %s", timetext.Of(revokeTimeout))
	}
	return outer.Err
}
