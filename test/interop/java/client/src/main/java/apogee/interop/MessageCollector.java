package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * What listeners do: keeps what was delivered, as it was then, and answers as the messages themselves say by properties:
 * "fail" = how many times the message is to be refused (by its own count of attempts), "failBy" = "later" (default),
 * "throw" or "null", "nextLevel" = the delay level asked for with a refusal.
 */
final class MessageCollector {
    /** One count for all members of this JVM: tells what came before what. */
    private static final AtomicLong STEPS = new AtomicLong();

    private final List<JSONObject> collected = new ArrayList<>();
    private final long workMs;

    MessageCollector(long workMs) {
        this.workMs = workMs;
    }

    synchronized int count() {
        return collected.size();
    }

    /** In the order in which deliveries ended. */
    synchronized List<JSONObject> from(int index) {
        return new ArrayList<>(collected.subList(index, collected.size()));
    }

    ConsumeConcurrentlyStatus consumeConcurrently(List<MessageExt> messages, ConsumeConcurrentlyContext context) {
        boolean refused = take(messages);
        MessageExt first = messages.get(0);
        if (refused && first.getUserProperty("nextLevel") != null) {
            context.setDelayLevelWhenNextConsume(Integer.parseInt(first.getUserProperty("nextLevel")));
        }
        if (refused && "null".equals(first.getUserProperty("failBy"))) {
            return null;
        }
        return refused ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    }

    ConsumeOrderlyStatus consumeOrderly(List<MessageExt> messages, ConsumeOrderlyContext context) {
        boolean refused = take(messages);
        if (refused && "null".equals(messages.get(0).getUserProperty("failBy"))) {
            return null;
        }
        return refused ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
    }

    /** Records a delivery and tells whether to refuse it. */
    private boolean take(List<MessageExt> messages) {
        boolean refused = messages.stream().anyMatch(MessageCollector::isToBeRefused);
        List<JSONObject> described = begin(messages, refused);
        try {
            if (workMs > 0) {
                Thread.sleep(workMs);
            }
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
        } finally {
            end(described);
        }
        if (refused && "throw".equals(messages.get(0).getUserProperty("failBy"))) {
            throw new IllegalStateException("refused, as the message says");
        }
        return refused;
    }

    private static boolean isToBeRefused(MessageExt message) {
        String times = message.getUserProperty("fail");
        return times != null && message.getReconsumeTimes() < Integer.parseInt(times);
    }

    private static List<JSONObject> begin(List<MessageExt> messages, boolean refused) {
        long step = STEPS.incrementAndGet();
        List<JSONObject> described = Messages.describeAll(messages);
        for (JSONObject each : described) {
            each.put("arrivedAtMs", System.currentTimeMillis());
            each.put("beginStep", step);
            each.put("refused", refused);
        }
        return described;
    }

    private synchronized void end(List<JSONObject> described) {
        long step = STEPS.incrementAndGet();
        described.forEach(each -> each.put("endStep", step));
        collected.addAll(described);
    }
}
