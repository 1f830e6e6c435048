package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Commands createLitePull, litePoll, liteAssignment, liteQueues, liteSeek, litePause, liteResume, liteCommit,
 * liteCommitted, liteOffsetForTimestamp, stopLitePull.
 */
final class LitePullConsumers {
    private final Map<String, DefaultLitePullConsumer> consumers = new ConcurrentHashMap<>();

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("createLitePull", this::create);
        commands.put("litePoll", arguments ->
            Messages.describeAll(consumer(arguments).poll(arguments.getLongValue("timeoutMs"))));
        commands.put("liteAssignment", arguments -> describe(consumer(arguments).assignment()));
        commands.put("liteQueues", arguments ->
            describe(consumer(arguments).fetchMessageQueues(arguments.getString("topic"))));
        commands.put("liteSeek", this::seek);
        commands.put("litePause", arguments -> {
            consumer(arguments).pause(Collections.singletonList(Messages.queue(arguments)));
            return true;
        });
        commands.put("liteResume", arguments -> {
            consumer(arguments).resume(Collections.singletonList(Messages.queue(arguments)));
            return true;
        });
        commands.put("liteCommit", arguments -> {
            // The only form that tells the broker now.
            consumer(arguments).commit(consumer(arguments).assignment(), true);
            return true;
        });
        commands.put("liteCommitted", arguments -> consumer(arguments).committed(Messages.queue(arguments)));
        commands.put("liteOffsetForTimestamp", arguments -> consumer(arguments)
            .offsetForTimestamp(Messages.queue(arguments), arguments.getLong("timestampMs")));
        commands.put("stopLitePull", arguments -> {
            consumer(arguments).shutdown();
            consumers.remove(arguments.getString("consumer"));
            return true;
        });
    }

    private DefaultLitePullConsumer consumer(JSONObject arguments) {
        return Messages.named(consumers, arguments, "consumer");
    }

    /** Subscribes when "expression" is given, else takes all queues of the topic by assign. */
    private Object create(JSONObject arguments) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(arguments.getString("group"));
        Messages.configure(consumer, arguments);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(arguments.getBooleanValue("autoCommit"));
        consumer.setPullThreadNums(2);
        String topic = arguments.getString("topic");
        if (arguments.containsKey("expression")) {
            consumer.subscribe(topic, arguments.getString("expression"));
        }
        consumer.start();
        if (!arguments.containsKey("expression")) {
            consumer.assign(consumer.fetchMessageQueues(topic));
        }
        consumers.put(arguments.getString("name"), consumer);
        return consumer.buildMQClientId();
    }

    /** To "queueOffset", or to the "begin" or "end" of the queue. */
    private Object seek(JSONObject arguments) throws Exception {
        MessageQueue queue = Messages.queue(arguments);
        String to = String.valueOf(arguments.get("to"));
        if (to.equals("begin")) {
            consumer(arguments).seekToBegin(queue);
        } else if (to.equals("end")) {
            consumer(arguments).seekToEnd(queue);
        } else {
            consumer(arguments).seek(queue, Long.parseLong(to));
        }
        return true;
    }

    private static List<JSONObject> describe(Collection<MessageQueue> queues) {
        List<JSONObject> texts = new ArrayList<>(queues.size());
        for (MessageQueue queue : queues) {
            texts.add(Messages.describe(queue));
        }
        return texts;
    }

    void stopAll() {
        consumers.values().forEach(DefaultLitePullConsumer::shutdown);
    }
}
