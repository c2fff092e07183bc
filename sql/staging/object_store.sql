-- Inputs: none. Gives the connection the key of the object store that holds the lake's files.
-- Parameters: $scope, $endpoint, $region, $url_style, $use_ssl, $key_id, $secret, $session_token.
create secret object_store ( -- noqa: PRS
    type s3,
    provider config,
    scope $scope,
    endpoint $endpoint,
    region $region,
    url_style $url_style,
    use_ssl $use_ssl,
    key_id $key_id,
    secret $secret,
    session_token $session_token
);
