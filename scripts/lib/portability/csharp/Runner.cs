// Makes the calls of the conformance vectors: one JSON line in, one out.
using System;
using System.Collections.Generic;
using Engagement.Api;
using Engagement.Client;
using Engagement.Model;
using Newtonsoft.Json;

public static class Runner
{
    class Call
    {
        public string BaseUrl, Operation, AccountId, VisitorId, Sid, ServiceName, Body;
    }

    public static void Main()
    {
        for (string line; (line = Console.ReadLine()) != null;)
        {
            Console.WriteLine(JsonConvert.SerializeObject(Reply(JsonConvert.DeserializeObject<Call>(line))));
        }
    }

    static Dictionary<string, object> Reply(Call call)
    {
        try
        {
            return Answered(call);
        }
        catch (ApiException failure) when (failure.ErrorCode >= 300)
        {
            return Failed(failure);
        }
        catch (Exception failure)
        {
            return new Dictionary<string, object> { ["failure"] = failure.ToString() };
        }
    }

    static Dictionary<string, object> Answered(Call call)
    {
        if (call.Operation == "findDomain")
        {
            var found = new DomainApi(call.BaseUrl).FindDomainWithHttpInfo(call.AccountId, call.ServiceName, "1.0");
            return Typed(found.StatusCode, found.Data);
        }
        var api = new SessionApi(call.BaseUrl);
        if (call.Operation == "updateSession")
        {
            var update = JsonConvert.DeserializeObject<UpdateSessionBody>(call.Body);
            var done = api.UpdateSessionWithHttpInfo(call.AccountId, call.VisitorId, call.Sid, "1.0", update);
            return new Dictionary<string, object> { ["status"] = done.StatusCode };
        }
        var body = JsonConvert.DeserializeObject<CreateSessionBody>(call.Body);
        var answer = call.Operation == "createSession"
            ? api.CreateSessionWithHttpInfo(call.AccountId, "1.0", body)
            : api.ContinueSessionWithHttpInfo(call.AccountId, call.VisitorId, "1.0", body, call.Sid);
        return Typed(answer.StatusCode, answer.Data.ActualInstance);
    }

    static Dictionary<string, object> Failed(ApiException failure)
    {
        try
        {
            var answer = ErrorAnswer.FromJson((string)failure.ErrorContent);
            return Typed((System.Net.HttpStatusCode)failure.ErrorCode, answer.ActualInstance);
        }
        catch (Exception)
        {
            return new Dictionary<string, object> { ["status"] = failure.ErrorCode }; // A gateway's own page, or nothing.
        }
    }

    static Dictionary<string, object> Typed(System.Net.HttpStatusCode status, object value)
    {
        return new Dictionary<string, object> { ["status"] = status, ["type"] = value.GetType().Name, ["value"] = value };
    }
}
