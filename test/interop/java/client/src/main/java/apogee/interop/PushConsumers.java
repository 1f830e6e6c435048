package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Commands startPushConsumer, collectedCount, collected, assigned, persistOffsets, stopPushConsumer. */
final class PushConsumers {
    private static final class Member {
        final DefaultMQPushConsumer consumer;
        final List<MessageExt> collected = new ArrayList<>();

        Member(DefaultMQPushConsumer consumer) {
            this.consumer = consumer;
        }

        synchronized void add(List<MessageExt> messages) {
            collected.addAll(messages);
        }

        synchronized List<MessageExt> from(int index) {
            return new ArrayList<>(collected.subList(index, collected.size()));
        }

        synchronized int count() {
            return collected.size();
        }
    }

    private final Map<String, Member> members = new ConcurrentHashMap<>();

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("startPushConsumer", this::start);
        commands.put("collectedCount", arguments -> Messages.named(members, arguments, "consumer").count());
        commands.put("collected", this::collected);
        commands.put("assigned", this::assigned);
        commands.put("persistOffsets", this::persistOffsets);
        commands.put("stopPushConsumer", this::stop);
    }

    private Object start(JSONObject arguments) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(arguments.getString("group"));
        Messages.configure(consumer, arguments);
        consumer.setConsumeFromWhere(ConsumeFromWhere.valueOf(arguments.getString("consumeFrom")));
        setMessageModel(consumer, arguments.getString("messageModel"));
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(2);
        consumer.subscribe(arguments.getString("topic"), arguments.getString("expression"));
        Member member = new Member(consumer);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            member.add(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        members.put(arguments.getString("name"), member);
        return consumer.buildMQClientId();
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

    private Object collected(JSONObject arguments) {
        return Messages.describeAll(
            Messages.named(members, arguments, "consumer").from(arguments.getIntValue("from")));
    }

    /** The queues this member reads now, its retry topic left out. */
    private Object assigned(JSONObject arguments) {
        DefaultMQPushConsumer consumer = Messages.named(members, arguments, "consumer").consumer;
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
        Messages.named(members, arguments, "consumer").consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        return true;
    }

    private Object stop(JSONObject arguments) {
        Messages.named(members, arguments, "consumer").consumer.shutdown();
        members.remove(arguments.getString("consumer"));
        return true;
    }

    void stopAll() {
        members.values().forEach(member -> member.consumer.shutdown());
    }
}
