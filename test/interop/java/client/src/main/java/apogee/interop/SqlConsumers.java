package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Consumers that select by SQL92, or with filterSource by class: commands startSqlConsumer, sqlCollected, stopSqlConsumer, sqlDrain. */
@SuppressWarnings("deprecation")
final class SqlConsumers {
    private static final int PULL_MESSAGES = 32;

    private static final class Member {
        final DefaultMQPushConsumer consumer;
        final List<MessageExt> collected = new ArrayList<>();

        Member(DefaultMQPushConsumer consumer) {
            this.consumer = consumer;
        }

        synchronized void add(List<MessageExt> messages) {
            collected.addAll(messages);
        }

        synchronized List<MessageExt> all() {
            return new ArrayList<>(collected);
        }
    }

    private final Map<String, Member> members = new ConcurrentHashMap<>();

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("startSqlConsumer", this::start);
        commands.put("sqlCollected", arguments ->
            Messages.describeAll(Messages.named(members, arguments, "consumer").all()));
        commands.put("stopSqlConsumer", this::stop);
        commands.put("sqlDrain", SqlConsumers::drain);
    }

    /** Fails when the broker does not take the expression. */
    private Object start(JSONObject arguments) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(arguments.getString("group"));
        Messages.configure(consumer, arguments);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        String topic = arguments.getString("topic");
        if (arguments.containsKey("filterSource")) {
            consumer.subscribe(topic, "apogee.Filter", arguments.getString("filterSource"));
        } else {
            consumer.subscribe(topic, MessageSelector.bySql(arguments.getString("expression")));
        }
        Member member = new Member(consumer);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            member.add(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        try {
            consumer.start();
        } catch (Exception refused) {
            consumer.shutdown();
            throw refused;
        }
        members.put(arguments.getString("name"), member);
        return true;
    }

    private Object stop(JSONObject arguments) {
        Messages.named(members, arguments, "consumer").consumer.shutdown();
        members.remove(arguments.getString("consumer"));
        return true;
    }

    /** What a pull consumer of its own gets of all queues of the topic. */
    private static Object drain(JSONObject arguments) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(arguments.getString("group"));
        Messages.configure(consumer, arguments);
        consumer.start();
        try {
            MessageSelector selector = MessageSelector.bySql(arguments.getString("expression"));
            List<MessageExt> messages = new ArrayList<>();
            Set<MessageQueue> queues = consumer.fetchSubscribeMessageQueues(arguments.getString("topic"));
            // The client selects by SQL at brokers only whose version a heartbeat has told it.
            MQClientInstance client =
                consumer.getDefaultMQPullConsumerImpl().getRebalanceImpl().getmQClientFactory();
            client.updateTopicRouteInfoFromNameServer(arguments.getString("topic"));
            client.sendHeartbeatToAllBrokerWithLock();
            for (MessageQueue queue : queues) {
                drain(consumer, queue, selector, messages);
            }
            return Messages.describeAll(messages);
        } finally {
            consumer.shutdown();
        }
    }

    private static void drain(DefaultMQPullConsumer consumer, MessageQueue queue, MessageSelector selector,
        List<MessageExt> into) throws Exception {
        long next = 0;
        while (true) {
            PullResult result = consumer.pull(queue, selector, next, PULL_MESSAGES);
            next = result.getNextBeginOffset();
            if (result.getPullStatus() == PullStatus.FOUND) {
                into.addAll(result.getMsgFoundList());
            } else if (result.getPullStatus() != PullStatus.NO_MATCHED_MSG || next >= result.getMaxOffset()) {
                return;
            }
        }
    }
}
