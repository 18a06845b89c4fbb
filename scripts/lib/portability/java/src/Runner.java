import com.example.engagement.ApiClient;
import com.example.engagement.ApiException;
import com.example.engagement.ApiResponse;
import com.example.engagement.api.DomainApi;
import com.example.engagement.api.SessionApi;
import com.example.engagement.model.AbstractOpenApiSchema;
import com.example.engagement.model.CreateSessionBody;
import com.example.engagement.model.ErrorEntity;
import com.example.engagement.model.UpdateSessionBody;
import com.example.engagement.model.WrappedErrorEntity;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Makes the calls of the conformance vectors: one JSON line in, one out. */
public final class Runner {
    private static final ObjectMapper JSON = ApiClient.createDefaultObjectMapper();

    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ObjectNode reply = JSON.createObjectNode();
            try {
                perform(JSON.readTree(line), reply);
            } catch (IOException | RuntimeException failure) {
                reply.removeAll().put("failure", failure.toString());
            }
            out.println(reply);
        }
    }

    private static void perform(JsonNode call, ObjectNode reply) throws IOException {
        ApiClient client = new ApiClient();
        client.updateBaseUri(text(call, "baseUrl"));
        try {
            ApiResponse<?> response = send(client, call);
            reply.put("status", response.getStatusCode());
            show(response.getData(), reply);
        } catch (ApiException failure) {
            if (failure.getCode() < 300) {
                throw new IOException(failure);
            }
            reply.put("status", failure.getCode());
            try {
                // Not as ErrorAnswer: the classes don't look for required members, so that both of its members match.
                JsonNode answer = JSON.readTree(failure.getResponseBody());
                Class<?> type = answer.has("error") ? WrappedErrorEntity.class : ErrorEntity.class;
                show(JSON.treeToValue(answer, type), reply);
            } catch (IOException | IllegalArgumentException noEntity) {
                // A gateway's own page, or nothing at all.
            }
        }
    }

    private static ApiResponse<?> send(ApiClient client, JsonNode call) throws ApiException, IOException {
        String account = text(call, "accountId");
        String visitor = text(call, "visitorId");
        String sid = text(call, "sid");
        String body = text(call, "body");
        SessionApi sessions = new SessionApi(client);
        switch (text(call, "operation")) {
            case "findDomain":
                return new DomainApi(client).findDomainWithHttpInfo(account, text(call, "serviceName"), "1.0");
            case "updateSession":
                UpdateSessionBody news = JSON.readValue(body, UpdateSessionBody.class);
                return sessions.updateSessionWithHttpInfo(account, visitor, sid, "1.0", news);
            case "createSession":
                return sessions.createSessionWithHttpInfo(account, "1.0", JSON.readValue(body, CreateSessionBody.class));
            default:
                CreateSessionBody again = JSON.readValue(body, CreateSessionBody.class);
                return sessions.continueSessionWithHttpInfo(account, visitor, "1.0", again, sid);
        }
    }

    private static void show(Object value, ObjectNode reply) {
        Object shown = value instanceof AbstractOpenApiSchema ? ((AbstractOpenApiSchema) value).getActualInstance() : value;
        if (shown != null) {
            reply.put("type", shown.getClass().getSimpleName());
            reply.set("value", JSON.valueToTree(shown));
        }
    }

    private static String text(JsonNode call, String name) {
        return call.hasNonNull(name) ? call.get(name).asText() : null;
    }
}
