package apogee.interop;

import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Messages and queues in the JSON form of the driver's lines; bodies are Base64. */
final class Messages {
    private Messages() {
    }

    /**
     * Settings that all three kinds of client share. A frequent heartbeat, because a client that changes its
     * subscription version while another heartbeat is on its way tells the broker only with the next one, and is
     * refused ("subscription is not latest") until then. Routes and the like may take long on a machine that is busy.
     */
    @SuppressWarnings("deprecation")
    static void configure(ClientConfig client, JSONObject arguments) {
        client.setNamesrvAddr(arguments.getString("namesrvAddress"));
        client.setInstanceName(arguments.getString("instance"));
        client.setHeartbeatBrokerInterval(1000);
        client.setMqClientApiTimeout(20_000);
        if (arguments.containsKey("namespace")) {
            client.setNamespace(arguments.getString("namespace"));
        }
        if (arguments.containsKey("pollNameServerMs")) {
            client.setPollNameServerInterval(arguments.getIntValue("pollNameServerMs"));
        }
        client.setVipChannelEnabled(arguments.getBooleanValue("vipChannel"));
    }

    static List<Message> parse(JSONObject arguments) {
        JSONArray given = arguments.getJSONArray("messages");
        List<Message> messages = new ArrayList<>(given.size());
        for (int i = 0; i < given.size(); i++) {
            messages.add(parse(arguments.getString("topic"), given.getJSONObject(i)));
        }
        return messages;
    }

    private static Message parse(String topic, JSONObject given) {
        Message message = new Message(topic, Base64.getDecoder().decode(given.getString("body")));
        message.setFlag(given.getIntValue("flag"));
        if (given.containsKey("tags")) {
            message.setTags(given.getString("tags"));
        }
        if (given.containsKey("keys")) {
            message.setKeys(given.getString("keys"));
        }
        if (given.containsKey("uniqKey")) {
            MessageAccessor.putProperty(
                message, MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX, given.getString("uniqKey"));
        }
        if (given.containsKey("delayLevel")) {
            message.setDelayTimeLevel(given.getIntValue("delayLevel"));
        }
        if (given.containsKey("waitStoreMsgOk")) {
            message.setWaitStoreMsgOK(given.getBooleanValue("waitStoreMsgOk"));
        }
        JSONObject properties = given.getJSONObject("properties");
        if (properties != null) {
            for (String name : properties.keySet()) {
                message.putUserProperty(name, properties.getString(name));
            }
        }
        return message;
    }

    static JSONObject describe(MessageExt message) {
        JSONObject text = new JSONObject();
        text.put("topic", message.getTopic());
        text.put("body", Base64.getEncoder().encodeToString(message.getBody()));
        text.put("bodyCrc", message.getBodyCRC());
        text.put("flag", message.getFlag());
        text.put("sysFlag", message.getSysFlag());
        text.put("tags", message.getTags());
        text.put("keys", message.getKeys());
        text.put("properties", new TreeMap<>(message.getProperties()));
        text.put("brokerName", message.getBrokerName());
        text.put("queueId", message.getQueueId());
        text.put("queueOffset", message.getQueueOffset());
        text.put("physicalOffset", message.getCommitLogOffset());
        text.put("storeSizeBytes", message.getStoreSize());
        text.put("reconsumeTimes", message.getReconsumeTimes());
        text.put("bornTimestampMs", message.getBornTimestamp());
        text.put("storeTimestampMs", message.getStoreTimestamp());
        text.put("bornHost", address(message.getBornHost()));
        text.put("storeHost", address(message.getStoreHost()));
        text.put("msgId", message.getMsgId());
        text.put("offsetMsgId",
            message instanceof MessageClientExt ? ((MessageClientExt) message).getOffsetMsgId() : message.getMsgId());
        return text;
    }

    static List<JSONObject> describeAll(List<MessageExt> messages) {
        List<JSONObject> texts = new ArrayList<>(messages.size());
        for (MessageExt message : messages) {
            texts.add(describe(message));
        }
        return texts;
    }

    static JSONObject describe(MessageQueue queue) {
        JSONObject text = new JSONObject();
        text.put("topic", queue.getTopic());
        text.put("brokerName", queue.getBrokerName());
        text.put("queueId", queue.getQueueId());
        return text;
    }

    static MessageQueue queue(JSONObject arguments) {
        return new MessageQueue(
            arguments.getString("topic"), arguments.getString("brokerName"), arguments.getIntValue("queueId"));
    }

    private static String address(SocketAddress address) {
        InetSocketAddress host = (InetSocketAddress) address;
        return host.getAddress().getHostAddress() + "|" + host.getPort();
    }

    static <T> T named(Map<String, T> things, JSONObject arguments, String field) {
        T thing = things.get(arguments.getString(field));
        if (thing == null) {
            throw new IllegalArgumentException("no " + field + " named " + arguments.getString(field));
        }
        return thing;
    }
}
