package apogee.interop;

import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Commands startPushConsumer, subscribe, unsubscribe, collectedCount, collected, assigned, persistOffsets,
 * consumeHookRecords, stopPushConsumer.
 */
final class PushConsumers {
    private static final class Member {
        final DefaultMQPushConsumer consumer;
        final MessageCollector collector;

        Member(DefaultMQPushConsumer consumer, MessageCollector collector) {
            this.consumer = consumer;
            this.collector = collector;
        }
    }

    private final Map<String, Member> members = new ConcurrentHashMap<>();
    private final HookRecords hooks;

    PushConsumers(HookRecords hooks) {
        this.hooks = hooks;
    }

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("startPushConsumer", this::start);
        commands.put("subscribe", this::subscribe);
        commands.put("unsubscribe", this::unsubscribe);
        commands.put("collectedCount", arguments -> member(arguments).collector.count());
        commands.put("collected", arguments -> member(arguments).collector.from(arguments.getIntValue("from")));
        commands.put("assigned", this::assigned);
        commands.put("persistOffsets", this::persistOffsets);
        commands.put("stopPushConsumer", this::stop);
    }

    private Member member(JSONObject arguments) {
        return Messages.named(members, arguments, "consumer");
    }

    private Object start(JSONObject arguments) throws Exception {
        DefaultMQPushConsumer consumer = create(arguments);
        Messages.configure(consumer, arguments);
        consumer.setConsumeFromWhere(ConsumeFromWhere.valueOf(arguments.getString("consumeFrom")));
        setMessageModel(consumer, arguments.getString("messageModel"));
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(2);
        if (arguments.containsKey("maxReconsumeTimes")) {
            consumer.setMaxReconsumeTimes(arguments.getIntValue("maxReconsumeTimes"));
        }
        if (arguments.containsKey("suspendMs")) {
            consumer.setSuspendCurrentQueueTimeMillis(arguments.getIntValue("suspendMs"));
        }
        if (arguments.containsKey("batchMessages")) {
            consumer.setConsumeMessageBatchMaxSize(arguments.getIntValue("batchMessages"));
        }
        JSONArray subscriptions = arguments.getJSONArray("subscriptions");
        if (subscriptions == null) {
            subscribe(consumer, arguments);
        } else {
            for (int i = 0; i < subscriptions.size(); i++) {
                subscribe(consumer, subscriptions.getJSONObject(i));
            }
        }
        MessageCollector collector = new MessageCollector(arguments.getLongValue("workMs"));
        if (arguments.getBooleanValue("orderly")) {
            // Without it queues are unlocked while messages are still at work.
            consumer.setAwaitTerminationMillisWhenShutdown(5000);
            consumer.registerMessageListener((MessageListenerOrderly) collector::consumeOrderly);
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) collector::consumeConcurrently);
        }
        if (arguments.getBooleanValue("recordHooks")) {
            hooks.watch(arguments.getString("name"), consumer);
        }
        members.put(arguments.getString("name"), new Member(consumer, collector));
        consumer.start();
        return consumer.buildMQClientId();
    }

    private static DefaultMQPushConsumer create(JSONObject arguments) {
        String group = arguments.getString("group");
        return arguments.getBooleanValue("traced")
            ? new DefaultMQPushConsumer(group, null, new AllocateMessageQueueAveragely(), true, null)
            : new DefaultMQPushConsumer(group);
    }

    private static void subscribe(DefaultMQPushConsumer consumer, JSONObject subscription) throws Exception {
        String topic = subscription.getString("topic");
        if (subscription.containsKey("sql")) {
            consumer.subscribe(topic, MessageSelector.bySql(subscription.getString("sql")));
        } else {
            consumer.subscribe(topic, subscription.getString("expression"));
        }
    }

    /** Adds a topic while the consumer runs, or changes the expression of one. */
    private Object subscribe(JSONObject arguments) throws Exception {
        subscribe(member(arguments).consumer, arguments);
        return true;
    }

    private Object unsubscribe(JSONObject arguments) {
        member(arguments).consumer.unsubscribe(arguments.getString("topic"));
        return true;
    }

    /** By reflection: the enum lives in another package from 5.x on. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void setMessageModel(DefaultMQPushConsumer consumer, String name) throws Exception {
        for (Method method : DefaultMQPushConsumer.class.getMethods()) {
            if (method.getName().equals("setMessageModel")) {
                method.invoke(consumer, Enum.valueOf((Class) method.getParameterTypes()[0], name));
            }
        }
    }

    /** The queues this member reads now, its retry topic left out. */
    private Object assigned(JSONObject arguments) {
        DefaultMQPushConsumer consumer = member(arguments).consumer;
        List<JSONObject> queues = new ArrayList<>();
        for (MessageQueue queue :
            consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            if (queue.getTopic().equals(arguments.getString("topic"))) {
                queues.add(Messages.describe(queue));
            }
        }
        return queues;
    }

    /** Tells the broker now; by itself the client does so 10 s after its start at the earliest. */
    private Object persistOffsets(JSONObject arguments) {
        member(arguments).consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        return true;
    }

    /** What it collected can still be asked for. */
    private Object stop(JSONObject arguments) {
        member(arguments).consumer.shutdown();
        return true;
    }

    void stopAll() {
        members.values().forEach(member -> member.consumer.shutdown());
    }
}
