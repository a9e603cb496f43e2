import { documents } from "../documents.mjs";
import { connect } from "../recipes/urql.mjs";

export function make(url) {
  let hoped;
  const client = connect(url, { optimistic: { editScenario: () => hoped } });
  const data = (result) => {
    if (result.error) throw result.error;
    return result.data;
  };
  return {
    ask: async (name, variables) => data(await client.query(documents[name], variables, { requestPolicy: "network-only" }).toPromise()),
    async write(name, variables, optimistic) {
      hoped = optimistic?.editScenario;
      return data(await client.mutation(documents[name], variables).toPromise());
    },
    shown: (name, variables) => client.readQuery(documents[name], variables)?.data,
    follow(name, variables, heard) {
      const following = client.subscription(documents[name], variables).subscribe((result) => heard(data(result)));
      return () => following.unsubscribe();
    },
    code: (e) => e.graphQLErrors[0].extensions.code,
  };
}
