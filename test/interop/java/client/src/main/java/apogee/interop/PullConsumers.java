package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Commands createPullConsumer, subscribeQueues, pull, drain, commit, committed, queueBounds, queryByKey, viewMessage. */
@SuppressWarnings("deprecation")
final class PullConsumers {
    private static final int PULL_MESSAGES = 32;

    private final Map<String, DefaultMQPullConsumer> consumers = new ConcurrentHashMap<>();

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("createPullConsumer", this::create);
        commands.put("subscribeQueues", this::subscribeQueues);
        commands.put("pull", this::pull);
        commands.put("drain", this::drain);
        commands.put("commit", this::commit);
        commands.put("committed", this::committed);
        commands.put("queueBounds", this::queueBounds);
        commands.put("queryByKey", this::queryByKey);
        commands.put("viewMessage", this::viewMessage);
        commands.put("stopPullConsumer", this::stop);
    }

    private DefaultMQPullConsumer consumer(JSONObject arguments) {
        return Messages.named(consumers, arguments, "consumer");
    }

    private Object create(JSONObject arguments) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(arguments.getString("group"));
        Messages.configure(consumer, arguments);
        consumer.start();
        consumers.put(arguments.getString("name"), consumer);
        return consumer.buildMQClientId();
    }

    private Object subscribeQueues(JSONObject arguments) throws Exception {
        List<JSONObject> queues = new ArrayList<>();
        for (MessageQueue queue : consumer(arguments).fetchSubscribeMessageQueues(arguments.getString("topic"))) {
            queues.add(Messages.describe(queue));
        }
        return queues;
    }

    /** One pull at queueOffset; with "block" the broker may hold it until a message comes. */
    private Object pull(JSONObject arguments) throws Exception {
        MessageQueue queue = Messages.queue(arguments);
        String expression = arguments.getString("expression");
        long queueOffset = arguments.getLongValue("queueOffset");
        PullResult result = arguments.getBooleanValue("block")
            ? consumer(arguments).pullBlockIfNotFound(queue, expression, queueOffset, PULL_MESSAGES)
            : consumer(arguments).pull(queue, expression, queueOffset, PULL_MESSAGES);
        return describe(result);
    }

    /** Everything in one queue from queueOffset on, by as many pulls as it takes. */
    private Object drain(JSONObject arguments) throws Exception {
        MessageQueue queue = Messages.queue(arguments);
        long next = arguments.getLongValue("queueOffset");
        List<MessageExt> messages = new ArrayList<>();
        while (true) {
            PullResult result =
                consumer(arguments).pull(queue, arguments.getString("expression"), next, PULL_MESSAGES);
            next = result.getNextBeginOffset();
            if (result.getPullStatus() == PullStatus.FOUND) {
                messages.addAll(result.getMsgFoundList());
            } else if (result.getPullStatus() != PullStatus.NO_MATCHED_MSG || next >= result.getMaxOffset()) {
                JSONObject text = describe(result);
                text.put("messages", Messages.describeAll(messages));
                return text;
            }
        }
    }

    private Object commit(JSONObject arguments) throws Exception {
        DefaultMQPullConsumer consumer = consumer(arguments);
        MessageQueue queue = Messages.queue(arguments);
        consumer.updateConsumeOffset(queue, arguments.getLongValue("queueOffset"));
        consumer.getDefaultMQPullConsumerImpl().persistConsumerOffset();
        consumer.getDefaultMQPullConsumerImpl().updateConsumeOffsetToBroker(
            queue, arguments.getLongValue("queueOffset"), false);
        return true;
    }

    /** The offset the broker holds for the group, -1 when it has none. */
    private Object committed(JSONObject arguments) throws Exception {
        return consumer(arguments).fetchConsumeOffset(Messages.queue(arguments), true);
    }

    private Object queueBounds(JSONObject arguments) throws Exception {
        DefaultMQPullConsumer consumer = consumer(arguments);
        MessageQueue queue = Messages.queue(arguments);
        JSONObject text = new JSONObject();
        text.put("minOffset", consumer.minOffset(queue));
        text.put("maxOffset", consumer.maxOffset(queue));
        text.put("earliestStoreTimestampMs", consumer.earliestMsgStoreTime(queue));
        if (arguments.containsKey("timestampMs")) {
            text.put("offsetAtTimestamp", consumer.searchOffset(queue, arguments.getLongValue("timestampMs")));
        }
        return text;
    }

    private Object queryByKey(JSONObject arguments) throws Exception {
        QueryResult result = consumer(arguments).queryMessage(
            arguments.getString("topic"), arguments.getString("key"), arguments.getIntValue("maxMessages"),
            arguments.getLongValue("beginTimestampMs"), arguments.getLongValue("endTimestampMs"));
        return Messages.describeAll(result.getMessageList());
    }

    /** By offset id; an id that is not one is looked up as a unique key. */
    private Object viewMessage(JSONObject arguments) throws Exception {
        MessageExt message =
            consumer(arguments).viewMessage(arguments.getString("topic"), arguments.getString("msgId"));
        return message == null ? null : Messages.describe(message);
    }

    private Object stop(JSONObject arguments) {
        consumer(arguments).shutdown();
        consumers.remove(arguments.getString("consumer"));
        return true;
    }

    void stopAll() {
        consumers.values().forEach(DefaultMQPullConsumer::shutdown);
    }

    private static JSONObject describe(PullResult result) {
        JSONObject text = new JSONObject();
        text.put("status", result.getPullStatus().name());
        text.put("nextBeginOffset", result.getNextBeginOffset());
        text.put("minOffset", result.getMinOffset());
        text.put("maxOffset", result.getMaxOffset());
        if (result.getMsgFoundList() != null) {
            text.put("messages", Messages.describeAll(result.getMsgFoundList()));
        }
        return text;
    }
}
