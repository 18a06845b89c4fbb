// Makes the calls of the conformance vectors: one JSON line in, one out.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
)

type call struct {
	BaseUrl, Operation, AccountId, VisitorId, ServiceName, Body string
	Sid                                                         *string
}

type reply struct {
	Status  int    `json:"status,omitempty"`
	Type    string `json:"type,omitempty"`
	Value   any    `json:"value,omitempty"`
	Failure string `json:"failure,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		if err := out.Encode(do(c)); err != nil {
			_ = out.Encode(failed(err)) // A value that the client cannot write.
		}
	}
}

func failed(err error) reply {
	return reply{Failure: err.Error()}
}

// name gives the name of a value's type, or of the type that it points to.
func name(value any) string {
	if value == nil {
		return ""
	}
	return reflect.Indirect(reflect.ValueOf(value)).Type().Name()
}
