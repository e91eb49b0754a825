package loginguard

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// devicesKept is how long an account's devices are kept in the store after a login with
// any of them.
const devicesKept = 90 * 24 * time.Hour

// devicesDocument is the form of an account's devices in the store: their digests, the
// latest login last.
type devicesDocument struct {
	Devices []string `json:"devices"`
}

// readDevices reads a document. A damaged one is none.
func readDevices(body []byte) []string {
	var d devicesDocument
	if len(body) == 0 || json.Unmarshal(body, &d) != nil {
		return nil
	}
	return d.Devices[max(0, len(d.Devices)-devicesPerAccount):]
}

// knows reports whether an account's document has a device.
func (s *shared) knows(ctx context.Context, account, device key) (bool, error) {
	d, err := s.read(ctx, s.id("devices", account))
	return slices.Contains(readDevices(d.body), s.digest("device", device)), err
}

// trust makes a device the latest of an account's document.
func (s *shared) trust(ctx context.Context, account, device key) error {
	d, err := s.read(ctx, s.id("devices", account))
	if err != nil {
		return err
	}
	latest := s.digest("device", device)
	return s.update(ctx, d, func(body []byte, _ time.Duration) ([]byte, time.Duration, bool) {
		all := slices.DeleteFunc(readDevices(body), func(known string) bool { return known == latest })
		all = append(all, latest)
		body, err := json.Marshal(devicesDocument{all[max(0, len(all)-devicesPerAccount):]})
		return body, devicesKept, err == nil
	})
}
