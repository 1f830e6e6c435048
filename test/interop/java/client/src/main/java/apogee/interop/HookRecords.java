package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.hook.CheckForbiddenContext;
import org.apache.rocketmq.client.hook.CheckForbiddenHook;
import org.apache.rocketmq.client.hook.ConsumeMessageContext;
import org.apache.rocketmq.client.hook.ConsumeMessageHook;
import org.apache.rocketmq.client.hook.SendMessageContext;
import org.apache.rocketmq.client.hook.SendMessageHook;
import org.apache.rocketmq.client.producer.DefaultMQProducer;

/** Hooks of producers and push consumers that write down their calls. Command hookRecords. */
final class HookRecords {
    private final Map<String, List<JSONObject>> records = new ConcurrentHashMap<>();

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("hookRecords", arguments -> {
            List<JSONObject> of = Messages.named(records, arguments, "client");
            synchronized (of) {
                return new ArrayList<>(of);
            }
        });
    }

    private void add(String client, String call, Object... facts) {
        JSONObject record = new JSONObject();
        record.put("call", call);
        for (int i = 0; i < facts.length; i += 2) {
            record.put((String) facts[i], facts[i + 1]);
        }
        List<JSONObject> of = records.get(client);
        synchronized (of) {
            of.add(record);
        }
    }

    /** A message with the property "forbidden" is not sent. */
    void watch(String client, DefaultMQProducer producer) {
        records.put(client, new ArrayList<>());
        producer.getDefaultMQProducerImpl().registerCheckForbiddenHook(new CheckForbiddenHook() {
            @Override
            public String hookName() {
                return "forbidden";
            }

            @Override
            public void checkForbidden(CheckForbiddenContext context) throws MQClientException {
                add(client, "checkForbidden", "keys", context.getMessage().getKeys());
                if (context.getMessage().getUserProperty("forbidden") != null) {
                    throw new MQClientException(-7, "forbidden by a hook");
                }
            }
        });
        producer.getDefaultMQProducerImpl().registerSendMessageHook(new SendMessageHook() {
            @Override
            public String hookName() {
                return "sends";
            }

            @Override
            public void sendMessageBefore(SendMessageContext context) {
                context.getMessage().putUserProperty("addedByHook", "before");
                add(client, "sendBefore", "keys", context.getMessage().getKeys());
            }

            @Override
            public void sendMessageAfter(SendMessageContext context) {
                add(client, "sendAfter", "keys", context.getMessage().getKeys(), "status",
                    context.getSendResult() == null ? null : context.getSendResult().getSendStatus().name());
            }
        });
    }

    void watch(String client, DefaultMQPushConsumer consumer) {
        records.put(client, new ArrayList<>());
        consumer.getDefaultMQPushConsumerImpl().registerConsumeMessageHook(new ConsumeMessageHook() {
            @Override
            public String hookName() {
                return "consumes";
            }

            @Override
            public void consumeMessageBefore(ConsumeMessageContext context) {
                add(client, "consumeBefore", "keys", context.getMsgList().get(0).getKeys());
            }

            @Override
            public void consumeMessageAfter(ConsumeMessageContext context) {
                add(client, "consumeAfter", "keys", context.getMsgList().get(0).getKeys(), "success",
                    context.isSuccess(), "status", context.getStatus());
            }
        });
    }
}
