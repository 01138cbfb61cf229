package signature

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestAKeySurvivesBeingWrittenAndRead(t *testing.T) {
	for _, key := range []Key{keys().rsa, keys().ed25519} {
		private, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKey(key.ID, private)
		if err != nil {
			t.Fatal(err)
		}
		public, err := key.PublicPEM()
		if err != nil {
			t.Fatal(err)
		}
		found, err := ParsePublicKey("\n  " + public + "\n\n")
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := again.PublicPEM(); text != public || again.ID != key.ID {
			t.Errorf("%s came back as another key", key.ID)
		}
		der, _ := x509.MarshalPKIXPublicKey(found)
		if string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})) != public {
			t.Errorf("the public half of %s came back as another key", key.ID)
		}
	}
}

func TestKeysOfOlderProgramsAreRead(t *testing.T) {
	private := keys().rsa.Private.(*rsa.PrivateKey)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	if key, err := ParseKey(bramRSA, string(text)); err != nil || !private.Equal(key.Private) {
		t.Errorf("PKCS#1 private key: %v", err)
	}
	text = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&private.PublicKey)})
	if key, err := ParsePublicKey(string(text)); err != nil || !private.PublicKey.Equal(key) {
		t.Errorf("PKCS#1 public key: %v", err)
	}
}

// rsaPEM is a public key with a modulus of so many bits; nobody checks that it is a product of primes.
func rsaPEM(t *testing.T, bits uint, exponent int) string {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	n.SetBit(n, 0, 1)
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: exponent})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestARemoteKeyMustHaveASizeAndKindWeAccept(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&curve.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	good := rsaPEM(t, 2048, 65537)
	for _, test := range []struct {
		name, text, refusal string
	}{
		{"2048 bits are enough", good, ""},
		{"4096 bits are not too many", rsaPEM(t, 4096, 65537), ""},
		{"2047 bits are too few", rsaPEM(t, 2047, 65537), "2047 bits"},
		{"4097 bits are too many", rsaPEM(t, 4097, 65537), "4097 bits"},
		{"exponent 3 is refused", rsaPEM(t, 2048, 3), "exponent 3"},
		{"exponent 65539 is refused", rsaPEM(t, 2048, 65539), "exponent 65539"},
		{"a curve is refused", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "ecdsa"},
		{"two keys are refused", good + good, "follows"},
		{"no PEM is refused", "ssh-rsa AAAA", "no PEM"},
		{"nothing is refused", "", "no PEM"},
		{"garbage inside PEM is refused", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "asn1"},
		{"a book is refused", strings.Repeat("A", 1<<20), "too many"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParsePublicKey(test.text)
			if test.refusal == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.refusal != "" && (err == nil || !strings.Contains(err.Error(), test.refusal)) {
				t.Errorf("got %v, want an error that speaks of %q", err, test.refusal)
			}
		})
	}
}

func TestT024AHugeKeyIsRefusedAtOnce(t *testing.T) {
	huge := rsaPEM(t, 16384, 65537)
	fastest := time.Hour
	for range 5 { // the machine may be busy with others
		start := time.Now()
		if _, err := ParsePublicKey(huge); err == nil {
			t.Fatal("a key of 16,384 bits was taken")
		}
		fastest = min(fastest, time.Since(start))
	}
	if fastest > 5*time.Millisecond {
		t.Errorf("it took %v, more than 5 ms", fastest)
	}
}

func TestNoFormatShowsTheSecret(t *testing.T) {
	key := keys().rsa
	secret := key.Private.(*rsa.PrivateKey).D.String()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), log.String()} {
		if strings.Contains(text, secret) || !strings.Contains(text, bramRSA) {
			t.Errorf("got %.200s", text)
		}
	}
}
