package main

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"example.com/portability/engagement"
)

func do(c call) reply {
	client, err := engagement.NewClientWithResponses(c.BaseUrl)
	if err != nil {
		return failed(err)
	}
	answer, response, err := ask(client, c)
	if err != nil {
		return failed(err)
	}
	status := response.StatusCode
	switch answered := member(answer, "JSON"+strconv.Itoa(status)).(type) {
	case *engagement.Session:
		value, err := answered.ValueByDiscriminator()
		if err != nil {
			return failed(err)
		}
		return reply{Status: status, Type: name(value), Value: value}
	case *engagement.ErrorAnswer:
		return refused(status, answered)
	case *engagement.ServiceDomain:
		return reply{Status: status, Type: name(answered), Value: answered}
	}
	return reply{Status: status} // A gateway's own page, or nothing at all.
}

func ask(client *engagement.ClientWithResponses, c call) (any, *http.Response, error) {
	ctx := context.Background()
	switch c.Operation {
	case "findDomain":
		params := engagement.FindDomainParams{Version: "1.0"}
		answer, err := client.FindDomainWithResponse(ctx, c.AccountId, c.ServiceName, &params)
		if err != nil {
			return nil, nil, err
		}
		return answer, answer.HTTPResponse, nil
	case "updateSession":
		var body engagement.UpdateSessionBody
		if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
			return nil, nil, err
		}
		if err := build(body.EngagementAttributes, body.ImpAttributes); err != nil {
			return nil, nil, err
		}
		params := engagement.UpdateSessionParams{V: "1.0"}
		if c.Sid != nil {
			params.Sid = *c.Sid
		}
		answer, err := client.UpdateSessionWithResponse(ctx, c.AccountId, c.VisitorId, &params, body)
		if err != nil {
			return nil, nil, err
		}
		return answer, answer.HTTPResponse, nil
	}
	var body engagement.CreateSessionBody
	if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
		return nil, nil, err
	}
	if err := build(body.EngagementAttributes, nil); err != nil {
		return nil, nil, err
	}
	if c.Operation == "createSession" {
		params := engagement.CreateSessionParams{V: "1.0"}
		answer, err := client.CreateSessionWithResponse(ctx, c.AccountId, &params, body)
		if err != nil {
			return nil, nil, err
		}
		return answer, answer.HTTPResponse, nil
	}
	params := engagement.ContinueSessionParams{V: "1.0", Sid: c.Sid}
	answer, err := client.ContinueSessionWithResponse(ctx, c.AccountId, c.VisitorId, &params, body)
	if err != nil {
		return nil, nil, err
	}
	return answer, answer.HTTPResponse, nil
}

// A union that was read holds the text that was read; an application builds it from a typed member, as is done here.
func build(attributes *[]engagement.EngagementAttribute, events *[]engagement.ImpressionEvent) error {
	if attributes != nil {
		for index := range *attributes {
			if err := rebuild(&(*attributes)[index]); err != nil {
				return err
			}
		}
	}
	if events != nil {
		for index := range *events {
			if err := rebuild(&(*events)[index]); err != nil {
				return err
			}
		}
	}
	return nil
}

func rebuild(union interface{ ValueByDiscriminator() (any, error) }) error {
	value, err := union.ValueByDiscriminator()
	if err != nil {
		return err
	}
	from := reflect.ValueOf(union).MethodByName("From" + name(value))
	err, _ = from.Call([]reflect.Value{reflect.ValueOf(value)})[0].Interface().(error)
	return err
}

// Reading a member of a union does not look for what it requires, so that either would do for any error.
func refused(status int, answer *engagement.ErrorAnswer) reply {
	if wrapped, err := answer.AsWrappedErrorEntity(); err == nil && wrapped.Error != (engagement.ErrorEntity{}) {
		return reply{Status: status, Type: name(wrapped), Value: wrapped}
	}
	plain, err := answer.AsErrorEntity()
	if err != nil {
		return failed(err)
	}
	return reply{Status: status, Type: name(plain), Value: plain}
}

func member(answer any, name string) any {
	field := reflect.ValueOf(answer).Elem().FieldByName(name)
	if !field.IsValid() || field.IsNil() {
		return nil
	}
	return field.Interface()
}
