package apogee.interop;

import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/** Commands createProducer, send, publishQueues, stopProducer. */
final class Producers {
    static final int SEND_TIMEOUT_MS = 30_000;
    private static final long NAME_SERVER_TIMEOUT_MS = 60_000;
    /** Code of the exception when the name server knows no such topic. */
    private static final int TOPIC_NOT_EXIST = 17;

    private final Map<String, DefaultMQProducer> producers = new ConcurrentHashMap<>();
    private final HookRecords hooks;

    Producers(HookRecords hooks) {
        this.hooks = hooks;
    }

    DefaultMQProducer named(JSONObject arguments) {
        return Messages.named(producers, arguments, "producer");
    }

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("createProducer", this::create);
        commands.put("send", this::send);
        commands.put("publishQueues", this::publishQueues);
        commands.put("stopProducer", this::stop);
    }

    private Object create(JSONObject arguments) throws Exception {
        String group = arguments.getString("group");
        DefaultMQProducer producer = arguments.getBooleanValue("traced")
            ? new DefaultMQProducer(group, null, true, null)
            : new DefaultMQProducer(group);
        Messages.configure(producer, arguments);
        producer.setSendMsgTimeout(SEND_TIMEOUT_MS);
        if (arguments.containsKey("compressOverBytes")) {
            producer.setCompressMsgBodyOverHowmuch(arguments.getIntValue("compressOverBytes"));
        }
        if (arguments.containsKey("topicQueues")) {
            producer.setDefaultTopicQueueNums(arguments.getIntValue("topicQueues"));
        }
        if (arguments.getBooleanValue("recordHooks")) {
            hooks.watch(arguments.getString("name"), producer);
        }
        start(producer);
        producers.put(arguments.getString("name"), producer);
        return producer.buildMQClientId();
    }

    /**
     * Starts a producer and waits until its name server answers it. A send finds no broker when a background thread of
     * the client has held its lock for routes for 3 s: on a busy machine the first connection may take longer.
     */
    static void start(DefaultMQProducer producer) throws MQClientException {
        producer.start();
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(NAME_SERVER_TIMEOUT_MS);
        while (!nameServerAnswers(producer) && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
    }

    private static boolean nameServerAnswers(DefaultMQProducer producer) {
        try {
            producer.fetchPublishMessageQueues("TBW102");
            return true;
        } catch (MQClientException problem) {
            Throwable cause = problem.getCause();
            return cause instanceof MQClientException
                && ((MQClientException) cause).getResponseCode() == TOPIC_NOT_EXIST;
        }
    }

    private Object send(JSONObject arguments) throws Exception {
        DefaultMQProducer producer = named(arguments);
        List<Message> messages = Messages.parse(arguments);
        String mode = arguments.getString("mode");
        switch (mode) {
            case "sync":
                return sendSync(producer, messages);
            case "async":
                return sendAsync(producer, messages);
            case "oneway":
                for (Message message : messages) {
                    producer.sendOneway(message);
                }
                return Collections.emptyList();
            case "batch":
                return Collections.singletonList(describe(producer.send(messages, SEND_TIMEOUT_MS)));
            case "selector":
                return sendSelected(producer, messages, arguments.getJSONArray("selectorArgs"));
            case "queue":
                return sendTo(producer, messages, Messages.queue(arguments));
            default:
                throw new IllegalArgumentException("no send mode " + mode);
        }
    }

    private List<JSONObject> sendSync(DefaultMQProducer producer, List<Message> messages) throws Exception {
        List<JSONObject> results = new ArrayList<>(messages.size());
        for (Message message : messages) {
            results.add(describe(producer.send(message)));
        }
        return results;
    }

    private List<JSONObject> sendTo(DefaultMQProducer producer, List<Message> messages, MessageQueue queue)
        throws Exception {
        List<JSONObject> results = new ArrayList<>(messages.size());
        for (Message message : messages) {
            results.add(describe(producer.send(message, queue)));
        }
        return results;
    }

    /** All messages are on their way before the first answer is awaited; results are in message order. */
    private List<JSONObject> sendAsync(DefaultMQProducer producer, List<Message> messages) throws Exception {
        List<CompletableFuture<SendResult>> pending = new ArrayList<>(messages.size());
        for (Message message : messages) {
            CompletableFuture<SendResult> result = new CompletableFuture<>();
            pending.add(result);
            producer.send(message, new SendCallback() {
                @Override
                public void onSuccess(SendResult sendResult) {
                    result.complete(sendResult);
                }

                @Override
                public void onException(Throwable problem) {
                    result.completeExceptionally(problem);
                }
            });
        }
        List<JSONObject> results = new ArrayList<>(messages.size());
        for (CompletableFuture<SendResult> result : pending) {
            results.add(describe(result.get(SEND_TIMEOUT_MS * 2L, TimeUnit.MILLISECONDS)));
        }
        return results;
    }

    /** Message i goes to the queue at position selectorArgs[i] modulo the number of queues. */
    private List<JSONObject> sendSelected(DefaultMQProducer producer, List<Message> messages, JSONArray selectorArgs)
        throws Exception {
        List<JSONObject> results = new ArrayList<>(messages.size());
        for (int i = 0; i < messages.size(); i++) {
            SendResult result = producer.send(
                messages.get(i), (queues, message, arg) -> queues.get((Integer) arg % queues.size()),
                selectorArgs.getInteger(i));
            results.add(describe(result));
        }
        return results;
    }

    private Object publishQueues(JSONObject arguments) throws Exception {
        List<JSONObject> queues = new ArrayList<>();
        DefaultMQProducer producer = named(arguments);
        for (MessageQueue queue : producer.fetchPublishMessageQueues(arguments.getString("topic"))) {
            queues.add(Messages.describe(queue));
        }
        return queues;
    }

    private Object stop(JSONObject arguments) {
        named(arguments).shutdown();
        producers.remove(arguments.getString("producer"));
        return true;
    }

    void stopAll() {
        producers.values().forEach(DefaultMQProducer::shutdown);
    }

    static JSONObject describe(SendResult result) {
        JSONObject text = new JSONObject();
        text.put("status", result.getSendStatus().name());
        text.put("msgId", result.getMsgId());
        text.put("offsetMsgId", result.getOffsetMsgId());
        text.put("brokerName", result.getMessageQueue().getBrokerName());
        text.put("queueId", result.getMessageQueue().getQueueId());
        text.put("queueOffset", result.getQueueOffset());
        text.put("regionId", result.getRegionId());
        return text;
    }
}
