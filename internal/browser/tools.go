package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// axeSource is the script of axe-core.
var axeSource = sync.OnceValues(func() (string, error) {
	text, err := os.ReadFile(filepath.Join(Tools, "axe-core", "axe.min.js"))
	return string(text), err
})

// colourRules are the rules of axe whose result depends on the colours of a page. All others say the same in the dark.
const colourRules = `["color-contrast", "link-in-text-block"]`

// Axe returns what axe-core finds on the page as the screen shows it: what breaks WCAG 2.0 to 2.2 (A and AA) or a best
// practice. With colours it tries only the rules that depend on colours.
func (b *Tab) Axe(colours bool) []string {
	b.t.Helper()
	source, err := axeSource()
	need(b.t, "“npm ci” in .ci/tools", err)
	if !Eval[bool](b, "!!window.axe") {
		// Evaluated as a debugger does it, so that the policy of the page (CSP) does not stop it.
		Eval[bool](b, source+"\n;!!window.axe")
	}
	only := `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}`
	if colours {
		only = `{type: "rule", values: ` + colourRules + `}`
	}
	return Eval[[]string](b, `axe.run(document, {runOnly: `+only+`, resultTypes: ["violations"]}).then(found =>
		found.violations.map(v => v.id + ": " + v.help + ": " +
			v.nodes.slice(0, 3).map(n => n.target.join(" ") + " " + n.html.slice(0, 160) + " " +
				n.any.concat(n.all, n.none).map(c => c.message).slice(0, 1).join("")).join(" | ") +
			(v.nodes.length > 3 ? " and " + (v.nodes.length - 3) + " more" : "")))`)
}

// CheckHTML asks the Nu HTML Checker about pages, by their names, and returns what it says of each.
func CheckHTML(t testing.TB, pages map[string][]byte) map[string][]string {
	t.Helper()
	jar := tool(t, "vnu-jar", "build", "dist", "vnu.jar")
	java, folder := program(t, "java"), t.TempDir()
	files, names := []string{"-jar", jar, "--format", "json", "--stdout", "--exit-zero-always",
		// It would guess the language of names and of short texts.
		"--no-langdetect"}, map[string]string{}
	for name, source := range pages {
		file := filepath.Join(folder, fmt.Sprintf("%d.html", len(names)))
		if err := os.WriteFile(file, source, 0o600); err != nil {
			t.Fatal(err)
		}
		names[filepath.Base(file)] = name
		files = append(files, file)
	}
	// One run for all pages: the start of Java takes longer than all of them.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var complaint bytes.Buffer
	check := exec.CommandContext(ctx, java, files...)
	check.Stderr = &complaint
	out, err := check.Output()
	var said struct {
		Messages []struct {
			Type, Message, URL, Extract string
			LastLine                    int
		}
	}
	if err != nil || json.Unmarshal(out, &said) != nil {
		t.Fatalf("the HTML checker: %v\n%s\n%s", err, out, complaint.String())
	}
	found := map[string][]string{}
	for _, m := range said.Messages {
		name := names[m.URL[strings.LastIndexByte(m.URL, '/')+1:]]
		found[name] = append(found[name], fmt.Sprintf("%s, line %d: %s (%s)", m.Type, m.LastLine, m.Message, m.Extract))
	}
	return found
}
