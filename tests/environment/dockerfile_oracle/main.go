// Reads Dockerfiles as lines of JSON, and answers each with what BuildKit says of it: nothing is fetched or built.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	digest "github.com/opencontainers/go-digest"
)

const image = `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/bin:/bin"]},` +
	`"rootfs":{"type":"layers","diff_ids":["sha256:9f54eef412758095c8079ac465d494a2872e02e90bf1fb5f12a1641c0d1bb78b"]}}`

// every image exists, and sets PATH only
type images struct{}

func (images) ResolveImageConfig(_ context.Context, name string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return name, "", []byte(image), nil
}

type question struct {
	Text      string            `json:"text"`
	Target    string            `json:"target"`
	Arguments map[string]string `json:"arguments"`
}

type warning struct {
	Rule string `json:"rule"`
	Line int    `json:"line"`
}

type heredoc struct {
	Name    string `json:"name"`
	Content string `json:"content"`
	Expand  bool   `json:"expand"`
}

type instruction struct {
	Name     string    `json:"name"`
	Line     int       `json:"line"`
	EndLine  int       `json:"end_line"`
	Flags    []string  `json:"flags"`
	Words    []string  `json:"words"`
	IsJSON   bool      `json:"is_json"`
	Heredocs []heredoc `json:"heredocs"`
}

type answer struct {
	Error        string        `json:"error"`
	Line         int           `json:"line"`
	Instructions []instruction `json:"instructions"`
	Warnings     []warning     `json:"warnings"`
	Checked      bool          `json:"checked"` // whether the rules were applied to all stages
}

func main() {
	questions := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	for questions.More() {
		var asked question
		if err := questions.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := answers.Encode(ask(asked)); err != nil {
			os.Exit(1)
		}
		out.Flush()
	}
}

func ask(asked question) (found answer) {
	found = answer{Instructions: []instruction{}, Warnings: []warning{}}
	defer func() {
		if reason := recover(); reason != nil {
			found.Error = fmt.Sprint("panic: ", reason)
		}
	}()
	parsed, err := parser.Parse(strings.NewReader(asked.Text))
	if err != nil {
		found.fail(err)
		return found
	}
	for _, node := range parsed.AST.Children {
		found.Instructions = append(found.Instructions, describe(node))
	}
	options := dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: asked.Arguments, Target: asked.Target},
		MetaResolver: images{},
	}
	state, _, _, _, err := dockerfile2llb.Dockerfile2LLB(context.Background(), []byte(asked.Text), options)
	if err == nil {
		_, err = state.Marshal(context.Background())
	}
	if err != nil {
		found.fail(err)
	}
	options.SourceMap = llb.NewSourceMap(nil, "Dockerfile", "dockerfile", []byte(asked.Text))
	options.SourceMap.Definition = &llb.Definition{}
	checked, err := dockerfile2llb.DockerfileLint(context.Background(), []byte(asked.Text), options)
	if err != nil || checked.Error != nil {
		return found
	}
	found.Checked = true
	for _, one := range checked.Warnings {
		line := 0
		if one.Location != nil && len(one.Location.Ranges) > 0 {
			line = int(one.Location.Ranges[0].Start.Line)
		}
		found.Warnings = append(found.Warnings, warning{one.RuleName, line})
	}
	return found
}

func (found *answer) fail(err error) {
	found.Error = err.Error()
	var located *parser.LocationError
	if errors.As(err, &located) && len(located.Locations) > 0 && len(located.Locations[0]) > 0 {
		found.Line = located.Locations[0][0].Start.Line
	}
}

func describe(node *parser.Node) instruction {
	made := instruction{
		Name: strings.ToUpper(node.Value), Line: node.StartLine, EndLine: node.EndLine, Flags: node.Flags,
		Words: []string{}, IsJSON: node.Attributes["json"], Heredocs: []heredoc{},
	}
	if made.Flags == nil {
		made.Flags = []string{}
	}
	for next := node.Next; next != nil; next = next.Next {
		made.Words = append(made.Words, next.Value)
	}
	for _, one := range node.Heredocs {
		made.Heredocs = append(made.Heredocs, heredoc{one.Name, one.Content, one.Expand})
	}
	return made
}
