package apogee.interop;

import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Commands sendTimed and recall: what only clients from 5.x on have, hence by reflection. */
final class Timers {
    private final Producers producers;

    Timers(Producers producers) {
        this.producers = producers;
    }

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("sendTimed", this::send);
        commands.put("recall", this::recall);
    }

    /** "setters" names one of setDelayTimeSec, setDelayTimeMs and setDeliverTimeMs for each message, "values" its value. */
    private Object send(JSONObject arguments) throws Exception {
        DefaultMQProducer producer = producers.named(arguments);
        JSONArray setters = arguments.getJSONArray("setters");
        JSONArray values = arguments.getJSONArray("values");
        List<Message> messages = Messages.parse(arguments);
        List<JSONObject> results = new ArrayList<>(messages.size());
        for (int i = 0; i < messages.size(); i++) {
            Message.class.getMethod(setters.getString(i), long.class).invoke(messages.get(i), values.getLongValue(i));
            SendResult result = producer.send(messages.get(i), 10_000);
            JSONObject text = Producers.describe(result);
            text.put("recallHandle", SendResult.class.getMethod("getRecallHandle").invoke(result));
            results.add(text);
        }
        return results;
    }

    /** Gives the id of the message that was taken back. */
    private Object recall(JSONObject arguments) throws Exception {
        return DefaultMQProducer.class.getMethod("recallMessage", String.class, String.class).invoke(
            producers.named(arguments), arguments.getString("topic"), arguments.getString("recallHandle"));
    }
}
