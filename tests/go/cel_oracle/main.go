// Command cel_oracle says what kube-apiserver makes of a CEL expression or a YAML text: JSON lines in,
// JSON lines out.
// It never has an opinion of its own: compiler, environment and the wrapping of claims are the API server's.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	_ "unsafe" // for go:linkname

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	authenticationcel "k8s.io/apiserver/pkg/authentication/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/lazy"
	_ "k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

// How the JWT authenticator shows claims and users to expressions. It exports neither.
//
//go:linkname newClaimsValue k8s.io/apiserver/plugin/pkg/authenticator/token/oidc.newClaimsValue
func newClaimsValue(claims map[string]json.RawMessage) *lazy.MapValue

//go:linkname newUserInfoValue k8s.io/apiserver/plugin/pkg/authenticator/token/oidc.newUserInfoValue
func newUserInfoValue(info user.Info) *lazy.MapValue

// question is one line of stdin.
type question struct {
	Expression string `json:"expression"`
	// Variable is "claims" or "user".
	Variable string          `json:"variable"`
	Value    json.RawMessage `json:"value"`
	// Returns is "bool" for validation rules, else empty.
	Returns string `json:"returns"`
	// Reader is who reads Text, for a question about YAML; then the above is empty.
	Reader string `json:"reader"`
	Text   string `json:"text"`
}

// userInfo is how a user is written in a question.
type userInfo struct {
	Username string              `json:"username"`
	UID      string              `json:"uid"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

// answer is one line of stdout: one of the errors, or the value.
type answer struct {
	CompileError    string  `json:"compile_error,omitempty"`
	EvaluationError string  `json:"evaluation_error,omitempty"`
	Value           any     `json:"value,omitempty"`
	Type            string  `json:"type,omitempty"`
	Cost            *uint64 `json:"cost,omitempty"`
}

type activation struct {
	name  string
	value traits.Mapper
}

func (a *activation) ResolveName(name string) (any, bool) {
	if name != a.name {
		return nil, false
	}
	return a.value, true
}

func (a *activation) Parent() interpreter.Activation { return nil }

var compiler = authenticationcel.NewDefaultCompiler()

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return fmt.Errorf("a line of stdin is not a question: %w", err)
		}
		var a any
		var err error
		if q.Reader != "" {
			a, err = read(q.Reader, q.Text)
		} else {
			a, err = reply(q)
		}
		if err != nil {
			return err
		}
		if err := encoder.Encode(a); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return lines.Err()
}

func reply(q question) (answer, error) {
	compile, value, err := environment(q)
	if err != nil {
		return answer{}, err
	}
	compiled, err := compile(accessor(q))
	if err != nil {
		return answer{CompileError: err.Error()}, nil
	}
	a := answer{Type: compiled.AST.OutputType().String()}
	result, details, err := compiled.Program.Eval(&activation{name: q.Variable, value: value})
	if details != nil {
		a.Cost = details.ActualCost()
	}
	if err != nil {
		a.EvaluationError = err.Error()
		return a, nil
	}
	a.Value = render(result)
	return a, nil
}

type compileFunc func(authenticationcel.ExpressionAccessor) (authenticationcel.CompilationResult, error)

func environment(q question) (compileFunc, traits.Mapper, error) {
	switch q.Variable {
	case "claims":
		claims := map[string]json.RawMessage{}
		if err := json.Unmarshal(q.Value, &claims); err != nil {
			return nil, nil, fmt.Errorf("claims are not an object: %w", err)
		}
		return compiler.CompileClaimsExpression, newClaimsValue(claims), nil
	case "user":
		var info userInfo
		if err := json.Unmarshal(q.Value, &info); err != nil {
			return nil, nil, fmt.Errorf("not a user: %w", err)
		}
		value := newUserInfoValue(&user.DefaultInfo{
			Name: info.Username, UID: info.UID, Groups: info.Groups, Extra: info.Extra,
		})
		return compiler.CompileUserExpression, value, nil
	default:
		return nil, nil, fmt.Errorf("no variable is called %q", q.Variable)
	}
}

type expression struct {
	text    string
	returns *celgo.Type
}

func (e expression) GetExpression() string      { return e.text }
func (e expression) ReturnTypes() []*celgo.Type { return []*celgo.Type{e.returns} }

func accessor(q question) authenticationcel.ExpressionAccessor {
	returns := celgo.AnyType
	if q.Returns == "bool" {
		returns = celgo.BoolType
	}
	return expression{text: q.Expression, returns: returns}
}
