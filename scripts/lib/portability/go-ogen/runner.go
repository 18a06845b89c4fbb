package main

import (
	"context"
	"net/http"
	"reflect"

	"example.com/portability/engagement"
)

// watch keeps the status of the last answer: an answer of the client does not tell it, nor does each error.
type watch struct {
	status int
}

func (w *watch) Do(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		w.status = response.StatusCode
	}
	return response, err
}

func do(c call) reply {
	var w watch
	client, err := engagement.NewClient(c.BaseUrl, engagement.WithClient(&w))
	if err != nil {
		return failed(err)
	}
	answer, err := ask(client, c)
	if err == nil {
		return typed(w.status, answer)
	}
	if w.status >= 300 {
		return reply{Status: w.status} // A gateway's own page, or nothing at all.
	}
	return failed(err)
}

func ask(client *engagement.Client, c call) (any, error) {
	ctx := context.Background()
	account, visitor := engagement.AccountId(c.AccountId), engagement.VisitorId(c.VisitorId)
	switch c.Operation {
	case "findDomain":
		params := engagement.FindDomainParams{AccountId: account, ServiceName: c.ServiceName, Version: "1.0"}
		return client.FindDomain(ctx, params)
	case "updateSession":
		var body engagement.UpdateSessionBody
		if err := body.UnmarshalJSON([]byte(c.Body)); err != nil {
			return nil, err
		}
		params := engagement.UpdateSessionParams{AccountId: account, VisitorId: visitor, V: "1.0"}
		if c.Sid != nil {
			params.Sid = engagement.SessionId(*c.Sid)
		}
		return client.UpdateSession(ctx, &body, params)
	}
	var body engagement.CreateSessionBody
	if err := body.UnmarshalJSON([]byte(c.Body)); err != nil {
		return nil, err
	}
	if c.Operation == "createSession" {
		return client.CreateSession(ctx, &body, engagement.CreateSessionParams{AccountId: account, V: "1.0"})
	}
	params := engagement.ContinueSessionParams{AccountId: account, VisitorId: visitor, V: "1.0"}
	if c.Sid != nil {
		params.Sid.SetTo(engagement.SessionId(*c.Sid))
	}
	return client.ContinueSession(ctx, &body, params)
}

func typed(status int, answer any) reply {
	if status >= 300 {
		// Each operation has a type of its own for each error: the same structure under another name.
		failure := reflect.ValueOf(answer).Elem().Convert(reflect.TypeFor[engagement.ErrorAnswer]()).Interface().(engagement.ErrorAnswer)
		if wrapped, ok := failure.GetWrappedErrorEntity(); ok {
			return reply{Status: status, Type: name(wrapped), Value: &wrapped}
		}
		return reply{Status: status, Type: name(failure.ErrorEntity), Value: &failure.ErrorEntity}
	}
	if session, ok := answer.(*engagement.Session); ok {
		if available, ok := session.GetAvailableSession(); ok {
			return reply{Status: status, Type: name(available), Value: &available}
		}
		return reply{Status: status, Type: name(session.NotAvailableSession), Value: &session.NotAvailableSession}
	}
	if _, ok := answer.(*engagement.UpdateSessionOK); ok {
		return reply{Status: status}
	}
	return reply{Status: status, Type: name(answer), Value: answer}
}
