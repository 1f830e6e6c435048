package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Commands startReplier, request, stopReplier. The replier answers "reply to " and the request's body. */
final class Requests {
    private static final class Replier {
        final DefaultMQPushConsumer consumer;
        final DefaultMQProducer producer;

        Replier(DefaultMQPushConsumer consumer, DefaultMQProducer producer) {
            this.consumer = consumer;
            this.producer = producer;
        }

        void stop() {
            consumer.shutdown();
            producer.shutdown();
        }
    }

    private final Map<String, Replier> repliers = new ConcurrentHashMap<>();
    private final Producers producers;

    Requests(Producers producers) {
        this.producers = producers;
    }

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("startReplier", this::start);
        commands.put("request", this::request);
        commands.put("stopReplier", this::stop);
    }

    private Object start(JSONObject arguments) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(arguments.getString("group") + "-replies");
        Messages.configure(producer, arguments);
        Producers.start(producer);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(arguments.getString("group"));
        Messages.configure(consumer, arguments);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(arguments.getString("topic"), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            try {
                for (MessageExt message : messages) {
                    String text = "reply to " + new String(message.getBody(), StandardCharsets.UTF_8);
                    Message reply = MessageUtil.createReplyMessage(message, text.getBytes(StandardCharsets.UTF_8));
                    reply.putUserProperty("answers", message.getKeys());
                    producer.send(reply, Producers.SEND_TIMEOUT_MS);
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            } catch (Exception problem) {
                throw new IllegalStateException(problem);
            }
        });
        consumer.start();
        repliers.put(arguments.getString("name"), new Replier(consumer, producer));
        return consumer.buildMQClientId();
    }

    /** One reply per message, each request sent when the reply before it is there; "async" uses the callback form. */
    private Object request(JSONObject arguments) throws Exception {
        DefaultMQProducer producer = producers.named(arguments);
        long timeoutMs = arguments.getLongValue("timeoutMs");
        List<JSONObject> replies = new ArrayList<>();
        for (Message message : Messages.parse(arguments)) {
            Message reply = arguments.getBooleanValue("async")
                ? requestAsync(producer, message, timeoutMs)
                : producer.request(message, timeoutMs);
            replies.add(Messages.describe((MessageExt) reply));
        }
        return replies;
    }

    private static Message requestAsync(DefaultMQProducer producer, Message message, long timeoutMs) throws Exception {
        CompletableFuture<Message> reply = new CompletableFuture<>();
        producer.request(message, new RequestCallback() {
            @Override
            public void onSuccess(Message answer) {
                // Clients call this with null as well, when the request was sent.
                if (answer != null) {
                    reply.complete(answer);
                }
            }

            @Override
            public void onException(Throwable problem) {
                reply.completeExceptionally(problem);
            }
        }, timeoutMs);
        return reply.get(timeoutMs * 3, TimeUnit.MILLISECONDS);
    }

    private Object stop(JSONObject arguments) {
        Messages.named(repliers, arguments, "replier").stop();
        repliers.remove(arguments.getString("replier"));
        return true;
    }

    void stopAll() {
        repliers.values().forEach(Replier::stop);
    }
}
