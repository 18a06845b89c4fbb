package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"example.com/portability/engagement"
)

func do(c call) reply {
	configuration := engagement.NewConfiguration()
	configuration.Servers = engagement.ServerConfigurations{{URL: c.BaseUrl}}
	configuration.OperationServers = nil // findDomain has a server of its own
	api := engagement.NewAPIClient(configuration)
	ctx := context.Background()
	switch c.Operation {
	case "findDomain":
		found, response, err := api.DomainAPI.FindDomain(ctx, c.AccountId, c.ServiceName).Version("1.0").Execute()
		return answered(found, response, err)
	case "updateSession":
		var body engagement.UpdateSessionBody
		if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
			return failed(err)
		}
		writeNulls(body)
		request := api.SessionAPI.UpdateSession(ctx, c.AccountId, c.VisitorId).V("1.0").UpdateSessionBody(body)
		if c.Sid != nil {
			request = request.Sid(*c.Sid)
		}
		response, err := request.Execute()
		return answered(nil, response, err)
	}
	var body engagement.CreateSessionBody
	if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
		return failed(err)
	}
	var session *engagement.Session
	var response *http.Response
	var err error
	if c.Operation == "createSession" {
		session, response, err = api.SessionAPI.CreateSession(ctx, c.AccountId).V("1.0").CreateSessionBody(body).Execute()
	} else {
		request := api.SessionAPI.ContinueSession(ctx, c.AccountId, c.VisitorId).V("1.0").CreateSessionBody(body)
		if c.Sid != nil {
			request = request.Sid(*c.Sid)
		}
		session, response, err = request.Execute()
	}
	return answered(session.GetActualInstance(), response, err)
}

// The client leaves members out that are null; impExpanded is documented with nulls.
func writeNulls(body engagement.UpdateSessionBody) {
	for _, event := range body.ImpAttributes {
		if expanded := event.ExpandedImpression; expanded != nil {
			expanded.AdditionalProperties = map[string]any{"expanded": nil, "userInit": nil, "actionableItems": nil}
		}
	}
}

func answered(value any, response *http.Response, err error) reply {
	if response == nil {
		return failed(err)
	}
	if err == nil {
		return reply{Status: response.StatusCode, Type: name(value), Value: value}
	}
	var failure *engagement.GenericOpenAPIError
	if errors.As(err, &failure) && response.StatusCode >= 300 {
		if answer, ok := failure.Model().(engagement.ErrorAnswer); ok {
			value = answer.GetActualInstance()
			return reply{Status: response.StatusCode, Type: name(value), Value: value}
		}
		return reply{Status: response.StatusCode}
	}
	return reply{Failure: fmt.Sprintf("%d: %v", response.StatusCode, err)}
}
