import com.example.engagement.apis.DomainApi
import com.example.engagement.apis.SessionApi
import com.example.engagement.infrastructure.ClientError
import com.example.engagement.infrastructure.Serializer
import com.example.engagement.infrastructure.Serializer.kotlinxSerializationJson as json
import com.example.engagement.infrastructure.ServerError
import com.example.engagement.infrastructure.Success
import com.example.engagement.models.AvailableSession
import com.example.engagement.models.CreateSessionBody
import com.example.engagement.models.ErrorAnswer
import com.example.engagement.models.ImpressionEvent
import com.example.engagement.models.NotAvailableSession
import com.example.engagement.models.ServiceDomain
import com.example.engagement.models.Session
import com.example.engagement.models.UpdateSessionBody
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.encodeToJsonElement
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** Makes the calls of the conformance vectors: one JSON line in, one out. */
fun main() {
    // Otherwise each optional member that is not set is sent as null.
    Serializer.kotlinxSerializationJsonConfiguration = { explicitNulls = false }
    for (line in generateSequence(::readLine)) {
        val reply = try {
            perform(json.parseToJsonElement(line).jsonObject)
        } catch (failure: Exception) {
            mapOf("failure" to JsonPrimitive(failure.toString()))
        }
        println(JsonObject(reply))
    }
}

private fun perform(call: JsonObject): Map<String, JsonElement> {
    fun text(name: String) = call[name]?.jsonPrimitive?.content.orEmpty()
    val account = text("accountId")
    val visitor = text("visitorId")
    val sid = call["sid"]?.jsonPrimitive?.content
    val sessions = SessionApi(text("baseUrl"))
    val response = when (text("operation")) {
        "findDomain" -> {
            val version = DomainApi.VersionFindDomain._1Period0
            DomainApi(text("baseUrl")).findDomainWithHttpInfo(account, text("serviceName"), version)
        }
        "updateSession" -> {
            val body = withNulls(json.decodeFromString<UpdateSessionBody>(text("body")))
            val version = SessionApi.VUpdateSession._1Period0
            sessions.updateSessionWithHttpInfo(account, visitor, sid!!, version, body)
        }
        "createSession" -> {
            val body = json.decodeFromString<CreateSessionBody>(text("body"))
            sessions.createSessionWithHttpInfo(account, SessionApi.VCreateSession._1Period0, body)
        }
        else -> {
            val body = json.decodeFromString<CreateSessionBody>(text("body"))
            val version = SessionApi.VContinueSession._1Period0
            sessions.continueSessionWithHttpInfo(account, visitor, version, body, sid)
        }
    }
    val value = when (response) {
        is Success<*> -> response.data
        is ClientError<*> -> entity(response.body)
        is ServerError<*> -> entity(response.body)
        else -> null
    }
    return mapOf("status" to JsonPrimitive(response.statusCode)) + shown(value)
}

/** impExpanded is documented with nulls, and a JsonNull is written where a null is not. */
private fun withNulls(body: UpdateSessionBody): UpdateSessionBody =
    body.copy(
        impAttributes = body.impAttributes?.map { event ->
            if (event is ImpressionEvent.ImpexpandedWrapper) {
                val expanded = event.value.copy(expanded = JsonNull, userInit = JsonNull, actionableItems = JsonNull)
                ImpressionEvent.ImpexpandedWrapper(expanded)
            } else {
                event
            }
        },
    )

private fun entity(body: Any?): Any? =
    try {
        json.decodeFromString<ErrorAnswer>(body.toString())
    } catch (noEntity: IllegalArgumentException) {
        null // A gateway's own page, or nothing at all.
    }

private fun shown(value: Any?): Map<String, JsonElement> = when (value) {
    is Session.AvailableWrapper -> shown(value.value)
    is Session.NotavailableWrapper -> shown(value.value)
    is AvailableSession -> typed("AvailableSession", json.encodeToJsonElement(value))
    is NotAvailableSession -> typed("NotAvailableSession", json.encodeToJsonElement(value))
    is ServiceDomain -> typed("ServiceDomain", json.encodeToJsonElement(value))
    is ErrorAnswer.ErrorEntityValue -> typed("ErrorEntity", json.encodeToJsonElement(value.value))
    is ErrorAnswer.WrappedErrorEntityValue -> typed("WrappedErrorEntity", json.encodeToJsonElement(value.value))
    else -> emptyMap()
}

private fun typed(type: String, value: JsonElement) = mapOf("type" to JsonPrimitive(type), "value" to value)
