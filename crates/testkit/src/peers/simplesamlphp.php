<?php
// Every file of the configuration is this one: what differs stands in the environment and in JSON beside it.
$folder = getenv('SAML_FOLDER');
$url = getenv('SAML_URL');
$read = fn($name) => json_decode(file_get_contents("$folder/$name"), true);
switch (basename(__FILE__, '.php')) {
    case 'config':
        $config = [
            'baseurlpath' => "$url/",
            'certdir' => "$folder/",
            'loggingdir' => "$folder/log/",
            'datadir' => "$folder/data/",
            'tempdir' => "$folder/tmp/",
            'secretsalt' => 'a salt of the tests',
            'auth.adminpassword' => 'nobody administers this one',
            'timezone' => 'UTC',
            'enable.saml20-idp' => true,
            'logging.handler' => 'file',
            'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
            'session.cookie.secure' => false,
            'session.cookie.samesite' => null,
            'store.type' => 'phpsession',
            'session.phpsession.savepath' => "$folder/tmp",
            'metadatadir' => "$folder/metadata",
            'metadata.sources' => [
                ['type' => 'flatfile', 'directory' => "$folder/metadata"],
                ['type' => 'xml', 'file' => "$folder/parties.xml"],
            ],
        ];
        break;
    case 'authsources':
        $config = ['people' => array_merge(['exampleauth:UserPass'], $read('people.json'))];
        break;
    case 'saml20-idp-hosted':
        $metadata["$url/idp"] = array_merge([
            'host' => '__DEFAULT__',
            'privatekey' => 'provider.pem',
            'certificate' => 'provider.crt',
            'auth' => 'people',
            'userid.attribute' => 'uid',
            'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
            'saml20.sign.assertion' => true,
            'saml20.sign.response' => true,
            'validate.authnrequest' => true,
            'validate.logout' => true,
            'sign.logout' => true,
            'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        ], $read('provider.json'));
        break;
}
