package signature

import (
	"net/http"
	"net/mail"
	"time"
)

// ParseDate reads the date of an HTTP message (RFC 9110, section 5.6.7), also in the forms of mail (RFC 5322, section
// 3.3) that some HTTP libraries write: Java's has a day of one digit, others write the zone as +0000 or UTC.
func ParseDate(date string) (time.Time, error) {
	at, err := http.ParseTime(date)
	if err != nil {
		at, err = mail.ParseDate(date)
	}
	return at, err
}
