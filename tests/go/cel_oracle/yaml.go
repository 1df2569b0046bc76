// What Kubernetes' programs make of a YAML text: a value, or an AuthenticationConfiguration.
// It never reads by rules of its own: codecs and validation are Kubernetes'.
package main

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/apis/apiserver/validation"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// reading is the answer to a text: its value, or the error.
type reading struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// readers by their names in questions.
var readers = map[string]func([]byte) ([]byte, error){
	"strict":         strict,
	"lenient":        yaml.YAMLToJSON,
	"authentication": authentication,
}

// strict reads a configuration file as the strict codec of kube-apiserver does, into no type.
func strict(text []byte) ([]byte, error) {
	value := text
	if !utilyaml.IsJSONBuffer(text) {
		converted, err := yaml.YAMLToJSONStrict(text)
		if err != nil {
			return nil, err
		}
		value = converted
	}
	var into any
	repeated, err := kjson.UnmarshalStrict(value, &into)
	if err != nil {
		return nil, err
	}
	if len(repeated) > 0 {
		return nil, repeated[0]
	}
	return value, nil
}

var strictCodecs = func() serializer.CodecFactory {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict)
}()

// authentication is what kube-apiserver does with the file of --authentication-config.
func authentication(text []byte) ([]byte, error) {
	decoded, err := runtime.Decode(strictCodecs.UniversalDecoder(), text)
	if err != nil {
		return nil, err
	}
	configuration, ok := decoded.(*apiserver.AuthenticationConfiguration)
	if !ok {
		return nil, fmt.Errorf("a %T", decoded)
	}
	if errs := validation.ValidateAuthenticationConfiguration(compiler, configuration, nil); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	return []byte("true"), nil
}

func read(reader, text string) (said reading, err error) {
	read, known := readers[reader]
	if !known {
		return reading{}, fmt.Errorf("no reader is called %q", reader)
	}
	defer func() {
		if caught := recover(); caught != nil {
			said = reading{Error: fmt.Sprintf("panics: %v", caught)}
		}
	}()
	value, failed := read([]byte(text))
	if failed != nil {
		return reading{Error: failed.Error()}, nil
	}
	return reading{Value: value}, nil
}
