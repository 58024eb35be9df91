//! A client that knows nothing but reflection finds every service, every message and the details of errors.

use std::collections::{BTreeMap, BTreeSet};

use handslag_tests::Town;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic::transport::{Channel, Endpoint};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

type Reflection = ServerReflectionClient<Channel>;

async fn ask(client: &mut Reflection, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let stream = client
        .server_reflection_info(tokio_stream::iter([request]))
        .await
        .expect("a stream");
    let answer = stream
        .into_inner()
        .message()
        .await
        .expect("an answer")
        .expect("one");
    answer.message_response.expect("a message")
}

/// The files that a question asks for, by their names.
async fn files(client: &mut Reflection, question: MessageRequest) -> Vec<FileDescriptorProto> {
    let MessageResponse::FileDescriptorResponse(found) = ask(client, question.clone()).await else {
        panic!("no file for {question:?}");
    };
    let decode = |bytes: Vec<u8>| FileDescriptorProto::decode(bytes.as_slice()).expect("a file");
    found
        .file_descriptor_proto
        .into_iter()
        .map(decode)
        .collect()
}

/// Everything that a symbol needs, fetched file by file.
async fn pool(client: &mut Reflection, symbol: &str) -> DescriptorPool {
    let mut known = BTreeMap::new();
    let mut wanted = files(
        client,
        MessageRequest::FileContainingSymbol(symbol.to_owned()),
    )
    .await;
    while let Some(file) = wanted.pop() {
        for name in file
            .dependency
            .iter()
            .filter(|name| !known.contains_key(*name))
        {
            wanted.extend(files(client, MessageRequest::FileByFilename(name.clone())).await);
        }
        known.insert(file.name().to_owned(), file);
    }
    let set = FileDescriptorSet {
        file: known.into_values().collect(),
    };
    DescriptorPool::from_file_descriptor_set(set).expect("the files fit together")
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_tells_what_the_contracts_tell() {
    let town = Town::start().await;
    for (service, address) in town.city().addresses() {
        let channel = Endpoint::from_shared(format!("http://{address}"))
            .expect("a URL")
            .connect()
            .await;
        let mut client = ServerReflectionClient::new(channel.expect("connected"));
        let MessageResponse::ListServicesResponse(list) =
            ask(&mut client, MessageRequest::ListServices(String::new())).await
        else {
            panic!("no list of services");
        };
        let names: BTreeSet<String> = list.service.into_iter().map(|one| one.name).collect();
        let own = handslag_proto::pool()
            .services()
            .find(|one| one.package_name() == format!("handslag.{service}.v1"))
            .expect("in the contract");
        assert!(names.contains(own.full_name()), "{names:?}");

        let found = pool(&mut client, own.full_name()).await;
        let reflected = found
            .get_service_by_name(own.full_name())
            .expect("reflected");
        let methods = |one: &prost_reflect::ServiceDescriptor| {
            one.methods()
                .map(|method| method.full_name().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(methods(&reflected), methods(&own));
        let list = reflected.methods().next().expect("a method").output();
        DynamicMessage::decode(list, &[][..]).expect("an empty answer decodes");

        let details = pool(&mut client, "google.rpc.ErrorInfo").await;
        assert!(
            details
                .get_message_by_name("google.rpc.BadRequest")
                .is_some()
        );
    }
    town.end().await;
}
