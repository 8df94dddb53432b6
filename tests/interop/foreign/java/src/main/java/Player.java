import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt3.exceptions.Mqtt3ConnAckException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5ConnAckException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5PubAckException;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One scenario with the Java client of HiveMQ (3.1.1 and 5.0), told as JSON in the first argument; prints one JSON
 * object with what happened.
 */
final class Player {
  private static final long DEADLINE_MS = 20_000;

  private final JsonObject told;
  private final List<Integer> acks = new ArrayList<>();
  private final BlockingQueue<Map<String, String>> received = new LinkedBlockingQueue<>();
  private final List<Map<String, String>> messages = new ArrayList<>();
  private int refused = 0;
  private boolean sessionPresent = false;

  private Player(JsonObject told) {
    this.told = told;
  }

  public static void main(String[] words) throws Exception {
    Player player = new Player(JsonParser.parseString(words[0]).getAsJsonObject());
    if (player.told.get("version").getAsInt() == 5) {
      player.playV5();
    } else {
      player.playV3();
    }
    Map<String, Object> found =
        Map.of(
            "refused", player.refused,
            "sessionPresent", player.sessionPresent,
            "acks", player.acks,
            "messages", player.messages);
    System.out.println(new Gson().toJson(found));
    System.exit(0);
  }

  private String text(String name) {
    return told.get(name).getAsString();
  }

  private void receive(String topic, byte[] payload) {
    received.add(Map.of("topic", topic, "payload", new String(payload, StandardCharsets.UTF_8)));
  }

  /** As many messages as are expected, or what comes in half a second where none is. */
  private void gather() throws InterruptedException {
    int expect = told.get("expect").getAsInt();
    long end = System.currentTimeMillis() + (expect > 0 ? DEADLINE_MS : 500);
    while (expect == 0 || messages.size() < expect) {
      var one = received.poll(Math.max(0, end - System.currentTimeMillis()), TimeUnit.MILLISECONDS);
      if (one == null) {
        return;
      }
      messages.add(one);
    }
  }

  private void playV5() throws Exception {
    var client =
        MqttClient.builder()
            .useMqttVersion5()
            .identifier(text("clientId"))
            .serverHost(text("host"))
            .serverPort(told.get("port").getAsInt())
            .simpleAuth()
            .username(text("username"))
            .password(text("password").getBytes(StandardCharsets.UTF_8))
            .applySimpleAuth()
            .buildBlocking();
    boolean clean = told.get("clean").getAsBoolean();
    client.toAsync().publishes(com.hivemq.client.mqtt.MqttGlobalPublishFilter.ALL,
        one -> receive(one.getTopic().toString(), one.getPayloadAsBytes()));
    try {
      var connack =
          client.connectWith().cleanStart(clean).sessionExpiryInterval(clean ? 0 : 3600).keepAlive(30).send();
      sessionPresent = connack.isSessionPresent();
    } catch (Mqtt5ConnAckException error) {
      refused = error.getMqttMessage().getReasonCode().getCode();
      return;
    }
    for (JsonElement topic : told.getAsJsonArray("subscribe")) {
      client.subscribeWith().topicFilter(topic.getAsString()).qos(MqttQos.AT_LEAST_ONCE).send();
    }
    for (JsonElement element : told.getAsJsonArray("publish")) {
      JsonObject one = element.getAsJsonObject();
      try {
        Mqtt5PublishResult result =
            client
                .publishWith()
                .topic(one.get("topic").getAsString())
                .qos(MqttQos.fromCode(one.get("qos").getAsInt()))
                .payload(one.get("payload").getAsString().getBytes(StandardCharsets.UTF_8))
                .send();
        acks.add(result.getError().isPresent() ? -1 : 0);
      } catch (Mqtt5PubAckException error) {
        acks.add(error.getMqttMessage().getReasonCode().getCode());
      }
    }
    gather();
    client.disconnect();
  }

  private void playV3() throws Exception {
    var client =
        MqttClient.builder()
            .useMqttVersion3()
            .identifier(text("clientId"))
            .serverHost(text("host"))
            .serverPort(told.get("port").getAsInt())
            .simpleAuth()
            .username(text("username"))
            .password(text("password").getBytes(StandardCharsets.UTF_8))
            .applySimpleAuth()
            .buildBlocking();
    client.toAsync().publishes(com.hivemq.client.mqtt.MqttGlobalPublishFilter.ALL,
        one -> receive(one.getTopic().toString(), one.getPayloadAsBytes()));
    try {
      var connack = client.connectWith().cleanSession(told.get("clean").getAsBoolean()).keepAlive(30).send();
      sessionPresent = connack.isSessionPresent();
    } catch (Mqtt3ConnAckException error) {
      refused = error.getMqttMessage().getReturnCode().getCode();
      return;
    }
    for (JsonElement topic : told.getAsJsonArray("subscribe")) {
      client.subscribeWith().topicFilter(topic.getAsString()).qos(MqttQos.AT_LEAST_ONCE).send();
    }
    for (JsonElement element : told.getAsJsonArray("publish")) {
      JsonObject one = element.getAsJsonObject();
      client
          .publishWith()
          .topic(one.get("topic").getAsString())
          .qos(MqttQos.fromCode(one.get("qos").getAsInt()))
          .payload(one.get("payload").getAsString().getBytes(StandardCharsets.UTF_8))
          .send();
      acks.add(0);
    }
    gather();
    client.disconnect();
  }
}
