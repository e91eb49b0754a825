package store

import (
	"crypto/sha256"
	"encoding/json"
	"time"
)

// A SecretHash is the SHA-256 of a session's secret, which is what stores keep.
// The secret itself is only ever in the visitor's cookie.
type SecretHash [sha256.Size]byte

// Credentials are what a session allows its browser to do. They are replaced
// together, and each replacement has a higher version.
type Credentials struct {
	Version         int64      // max(previous + 1, Unix milliseconds of the change)
	SecretHash      SecretHash // of the secret that is current
	Superseded      SecretHash // of the secret before it, zero if there is none
	CustomerID      string
	AuthenticatedAt time.Time // when the password check behind CustomerID began
	RotatedAt       time.Time // when SecretHash replaced Superseded; only the hot store keeps it
	EndedAt         time.Time
	EndReason       EndReason
}

// Type is CUSTOMER if the credentials have a customer, otherwise ANONYMOUS.
func (c *Credentials) Type() SessionType { return typeOf(c.CustomerID) }

// A Value is something small that a shop keeps in a session.
type Value struct {
	JSON json.RawMessage `json:"json"`
	Keep bool            `json:"keep,omitempty"` // it survives an account switch
}

// A Record is a session as stores keep it, with the hashes of its secrets and its
// values. Its customer and its end are fields of the embedded Session.
type Record struct {
	Session

	Version         int64
	SecretHash      SecretHash
	Superseded      SecretHash
	AuthenticatedAt time.Time
	RotatedAt       time.Time

	Values map[string]Value
}

// Credentials returns the record's credentials.
func (r Record) Credentials() Credentials {
	return Credentials{
		Version: r.Version, SecretHash: r.SecretHash, Superseded: r.Superseded, CustomerID: r.CustomerID,
		AuthenticatedAt: r.AuthenticatedAt, RotatedAt: r.RotatedAt, EndedAt: r.EndedAt, EndReason: r.EndReason,
	}
}

// SetCredentials replaces the record's credentials.
func (r *Record) SetCredentials(c Credentials) {
	r.Version, r.SecretHash, r.Superseded, r.CustomerID = c.Version, c.SecretHash, c.Superseded, c.CustomerID
	r.AuthenticatedAt, r.RotatedAt, r.EndedAt, r.EndReason = c.AuthenticatedAt, c.RotatedAt, c.EndedAt, c.EndReason
}
