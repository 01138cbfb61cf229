package account

import (
	"strings"
	"testing"
)

func TestPasswordsAreHashed(t *testing.T) {
	kept, err := HashPassword("four words by the river")
	if err != nil || !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("kept as %q (%v)", kept, err)
	}
	if ok, stale := Matches("four words by the river", kept); !ok || stale {
		t.Errorf("the right one: ok %v, stale %v", ok, stale)
	}
	if ok, _ := Matches("four words by the sea", kept); ok {
		t.Error("a wrong one opens")
	}
	if again, _ := HashPassword("four words by the river"); again == kept {
		t.Error("two hashes share a salt")
	}
	weak := hash("four words by the river", hashCost{memory: 8 << 10, passes: 1, lanes: 1})
	if ok, stale := Matches("four words by the river", weak); !ok || !stale {
		t.Errorf("one of a lower cost: ok %v, stale %v", ok, stale)
	}
	for _, broken := range []string{"", "x", "$argon2id$v=19$m=4294967295,t=2,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=19456,t=0,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$"} {
		if ok, _ := Matches("", broken); ok {
			t.Errorf("%q opens", broken)
		}
	}
	if ok, _ := Matches("anything", DummyHash); ok {
		t.Error("nobody's password was guessed")
	}
	if c, _, _, err := parsePHC(DummyHash); err != nil || c != todaysCost {
		t.Errorf("nobody's password costs %v (%v)", c, err)
	}
}

func TestAPasswordHasAtLeastTenCharactersAndAtMostAKilobyte(t *testing.T) {
	for password, fits := range map[string]bool{
		strings.Repeat("é", minPassword-1): false, strings.Repeat("é", minPassword): true,
		strings.Repeat("x", MaxPassword): true, strings.Repeat("x", MaxPassword+1): false} {
		if err := ValidatePassword(password); (err == nil) != fits {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
}
