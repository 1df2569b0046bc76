// How values are written: JSON, with the type beside what JSON has no kind of its own for.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"sort"
	"strconv"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"k8s.io/apimachinery/pkg/api/resource"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/lazy"
)

// tagged says of which type a value is where JSON alone does not.
type tagged map[string]any

// render writes a value as JSON. Numbers are text, since JSON knows only one kind of them.
func render(value ref.Val) any {
	switch v := value.(type) {
	case types.Bool:
		return bool(v)
	case types.String:
		return string(v)
	case types.Null:
		return nil
	case types.Int:
		return tagged{"int": strconv.FormatInt(int64(v), 10)}
	case types.Uint:
		return tagged{"uint": strconv.FormatUint(uint64(v), 10)}
	case types.Double:
		return tagged{"double": strconv.FormatFloat(float64(v), 'g', -1, 64)}
	case types.Bytes:
		return tagged{"bytes": base64.StdEncoding.EncodeToString(v)}
	case types.Duration:
		return tagged{"duration": strconv.FormatInt(v.Nanoseconds(), 10)}
	case types.Timestamp:
		return tagged{"timestamp": fmt.Sprintf("%d.%09d", v.Unix(), v.Nanosecond())}
	case *types.Type:
		return tagged{"type": v.TypeName()}
	case *types.Optional:
		if !v.HasValue() {
			return tagged{"optional": []any{}}
		}
		return tagged{"optional": []any{render(v.GetValue())}}
	case *lazy.MapValue:
		return tagged{"object": v.Type().TypeName()}
	case traits.Mapper:
		return tagged{"map": entries(v)}
	case traits.Lister:
		items := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			items = append(items, render(it.Next()))
		}
		return items
	}
	return opaque(value)
}

func entries(m traits.Mapper) [][2]any {
	pairs := [][2]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		pairs = append(pairs, [2]any{render(key), render(m.Get(key))})
	}
	sort.Slice(pairs, func(i, j int) bool { return text(pairs[i][0]) < text(pairs[j][0]) })
	return pairs
}

func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // made of strings, lists and maps only
	}
	return string(encoded)
}

// opaque renders the types that Kubernetes adds.
func opaque(value ref.Val) any {
	switch v := value.(type) {
	case apiservercel.IP:
		return tagged{"ip": v.Addr.String()}
	case apiservercel.CIDR:
		return tagged{"cidr": netip.Prefix(v.Prefix).String()}
	case apiservercel.URL:
		return tagged{"url": v.String()}
	case *apiservercel.Quantity: // what add and sub give
		return tagged{"quantity": number(v.DeepCopy())}
	case apiservercel.Quantity:
		return tagged{"quantity": number(v.DeepCopy())}
	case apiservercel.Semver:
		return tagged{"semver": v.Version.String()}
	case apiservercel.Format:
		return tagged{"format": v.Name}
	}
	return tagged{"other": fmt.Sprintf("%T", value)}
}

// number writes a quantity without a unit and without zeros at the end: 15e-1.
func number(quantity resource.Quantity) string {
	decimal := quantity.AsDec()
	unscaled, exponent := new(big.Int).Set(decimal.UnscaledBig()), -int(decimal.Scale())
	if unscaled.Sign() == 0 {
		return "0"
	}
	ten, rest := big.NewInt(10), new(big.Int)
	for {
		quotient := new(big.Int)
		if quotient.QuoRem(unscaled, ten, rest); rest.Sign() != 0 {
			return fmt.Sprintf("%se%d", unscaled, exponent)
		}
		unscaled, exponent = quotient, exponent+1
	}
}
