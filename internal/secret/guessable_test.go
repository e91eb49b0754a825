package secret

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestBits_RandomSecretsAlwaysPass(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for range 10_000 {
		b := make([]byte, 32)
		_, _ = random.Read(b)
		for form, s := range map[string]string{
			"hex, 32 characters": hex.EncodeToString(b[:16]), "hex, 64 characters": hex.EncodeToString(b),
			"base64, 32 characters": base64.StdEncoding.EncodeToString(b[:24]), "base64, 44 characters": base64.StdEncoding.EncodeToString(b),
			"base64url": base64.RawURLEncoding.EncodeToString(b), "base32": base32.StdEncoding.EncodeToString(b),
			"capital hex": strings.ToUpper(hex.EncodeToString(b[:16])), "a UUID": hex.EncodeToString(b[:4]) + "-" + hex.EncodeToString(b[4:6]) + "-4" + hex.EncodeToString(b[6:8])[1:] + "-" + hex.EncodeToString(b[8:10]) + "-" + hex.EncodeToString(b[10:16]),
		} {
			if bits := Bits(s); bits < MinKeyBits {
				t.Fatalf("%s: the random %s is taken for one that can be guessed: %.0f bits", form, s, bits)
			}
		}
		if s := hex.EncodeToString(b[:8]); Bits(s) < MinTokenBits {
			t.Fatalf("the random token %s is taken for one that can be guessed: %.0f bits", s, Bits(s))
		}
	}
}

func TestBits_WhatRepeatsOrIsTriedFirstFails(t *testing.T) {
	for _, s := range []string{
		strings.Repeat("keyboard cat", 4), strings.Repeat("keyboard cat ", 4), strings.Repeat("Keyboard-Cat!", 5),
		strings.Repeat("correct horse ", 3), strings.Repeat("8rN3sPq0v", 4), strings.Repeat("xy", 40), strings.Repeat("0", 64),
		"abcdefghijklmnopqrstuvwxyz0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "12345678901234567890123456789012",
		"0123456789abcdef0123456789abcdef", "qwertyuiopasdfghjklzxcvbnm1234567890", "1qaz2wsx3edc1qaz2wsx3edc1qaz2wsx3edc",
		"this-is-our-production-secret-key", "my-super-secret-session-cookie-key", "please-change-this-session-secret-now", "password123password123password123",
	} {
		if bits := Bits(s); bits >= MinKeyBits {
			t.Errorf("%q is worth %.0f bits and would sign cookies: it can be guessed", s, bits)
		}
	}
	for _, s := range []string{"", "password12345678", "adminadminadminadmin", "aaaaaaaaaaaaaaaa", "secret-token-1234"} {
		if bits := Bits(s); bits >= MinTokenBits {
			t.Errorf("%q is worth %.0f bits and would be an admin token: it can be guessed", s, bits)
		}
	}
}
