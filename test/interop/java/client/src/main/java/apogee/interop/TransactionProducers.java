package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Commands createTransactionProducer, sendInTransaction, transactionChecks, stopTransactionProducer. A message says by
 * its properties what is answered: "local" to the local transaction, "checks" to check-backs one after another (blanks
 * between, the last one for all later ones); each COMMIT, ROLLBACK, UNKNOW or THROW.
 */
final class TransactionProducers {
    private static final class Party {
        final TransactionMQProducer producer;
        final List<JSONObject> checks = new ArrayList<>();

        Party(TransactionMQProducer producer) {
            this.producer = producer;
        }

        synchronized void add(JSONObject check) {
            checks.add(check);
        }

        synchronized List<JSONObject> all() {
            return new ArrayList<>(checks);
        }
    }

    private final Map<String, Party> parties = new ConcurrentHashMap<>();
    /** Check-backs so far by unique key, whichever producer of this JVM got them. */
    private final Map<String, Integer> counts = new ConcurrentHashMap<>();

    void addTo(Map<String, Driver.Command> commands) {
        commands.put("createTransactionProducer", this::create);
        commands.put("sendInTransaction", this::send);
        commands.put("transactionChecks", arguments -> Messages.named(parties, arguments, "producer").all());
        commands.put("stopTransactionProducer", this::stop);
    }

    private Object create(JSONObject arguments) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(arguments.getString("group"));
        Messages.configure(producer, arguments);
        producer.setSendMsgTimeout(Producers.SEND_TIMEOUT_MS);
        Party party = new Party(producer);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return answer(message.getUserProperty("local"));
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                JSONObject check = Messages.describe(message);
                check.put("arrivedAtMs", System.currentTimeMillis());
                check.put("transactionId", message.getTransactionId());
                party.add(check);
                return answer(planned(message));
            }
        });
        Producers.start(producer);
        parties.put(arguments.getString("name"), party);
        return producer.buildMQClientId();
    }

    private String planned(MessageExt message) {
        String[] plan = message.getUserProperty("checks").split(" ");
        int count = counts.merge(message.getTransactionId(), 1, Integer::sum);
        return plan[Math.min(count, plan.length) - 1];
    }

    private static LocalTransactionState answer(String name) {
        switch (name) {
            case "COMMIT":
                return LocalTransactionState.COMMIT_MESSAGE;
            case "ROLLBACK":
                return LocalTransactionState.ROLLBACK_MESSAGE;
            case "UNKNOW":
                return LocalTransactionState.UNKNOW;
            default:
                throw new IllegalStateException("thrown, as the message says");
        }
    }

    private Object send(JSONObject arguments) throws Exception {
        TransactionMQProducer producer = Messages.named(parties, arguments, "producer").producer;
        List<JSONObject> results = new ArrayList<>();
        for (Message message : Messages.parse(arguments)) {
            TransactionSendResult result = producer.sendMessageInTransaction(message, null);
            JSONObject text = Producers.describe(result);
            text.put("transactionId", result.getTransactionId());
            text.put("localState", result.getLocalTransactionState().name());
            results.add(text);
        }
        return results;
    }

    private Object stop(JSONObject arguments) {
        Messages.named(parties, arguments, "producer").producer.shutdown();
        parties.remove(arguments.getString("producer"));
        return true;
    }

    void stopAll() {
        parties.values().forEach(party -> party.producer.shutdown());
    }
}
