import type { ShapeParts } from './shape.ts';

/**
 * The table account as captured rows of an environment show it: wide, with half of its values null. Rows of
 * companies have the first address and few of the other columns.
 */
export const ACCOUNT: ShapeParts = {
  name: 'account',
  key: 'accountid',
  look: { escapes: 0.03, memoEscapes: 0.6, memoLength: 200 },
  first: [
    { kind: 'text', filled: 1, names: 'name' },
    { kind: 'state', filled: 1, names: 'statecode' },
    { kind: 'status', filled: 1, names: 'statuscode' },
    { kind: 'moment', filled: 1, names: 'createdon modifiedon' },
    { kind: 'owner', filled: 1, names: 'ownerid' },
    { kind: 'lookup', filled: 1, names: 'owningbusinessunit' },
  ],
  more: [
    { kind: 'lookup', filled: 1, names: 'createdby modifiedby transactioncurrencyid' },
    { kind: 'lookup', filled: 0.7, names: 'owninguser primarycontactid parentaccountid' },
    {
      kind: 'lookup',
      filled: 0.05,
      names:
        'createdbyexternalparty createdonbehalfby masterid modifiedbyexternalparty modifiedonbehalfby msa_managingpartnerid owningteam preferredsystemuserid slaid slainvokedid',
    },
    {
      kind: 'boolean',
      filled: 1,
      names:
        'creditonhold donotbulkemail donotbulkpostalmail donotemail donotfax donotphone donotpostalmail donotsendmm followemail marketingonly merged participatesinworkflow',
    },
    {
      kind: 'choice',
      filled: 1,
      names:
        'accountcategorycode accountclassificationcode accountratingcode address2_addresstypecode address2_freighttermscode address2_shippingmethodcode businesstypecode customersizecode preferredcontactmethodcode shippingmethodcode territorycode',
    },
    {
      kind: 'choice',
      filled: 0.4,
      names:
        'address1_addresstypecode address1_freighttermscode address1_shippingmethodcode customertypecode industrycode ownershipcode paymenttermscode preferredappointmentdaycode preferredappointmenttimecode',
    },
    { kind: 'guid', filled: 1, names: 'address1_addressid address2_addressid' },
    { kind: 'guid', filled: 0.05, names: 'entityimageid processid stageid' },
    {
      kind: 'text',
      filled: 0.85,
      names:
        'accountnumber address1_city address1_country address1_line1 address1_postalcode address1_stateorprovince address1_telephone1 emailaddress1 telephone1 websiteurl yominame',
    },
    {
      kind: 'text',
      filled: 0.3,
      names:
        'address1_county address1_fax address1_line2 address1_name address1_primarycontactname emailaddress2 fax primarysatoriid sic telephone2 tickersymbol address2_city address2_country address2_line1 address2_postalcode',
    },
    {
      kind: 'text',
      filled: 0.03,
      names:
        'address1_line3 address1_postofficebox address1_telephone2 address1_telephone3 address1_upszone address2_county address2_fax address2_line2 address2_line3 address2_name address2_postofficebox address2_primarycontactname address2_stateorprovince address2_telephone1 address2_telephone2 address2_telephone3 address2_upszone adx_createdbyipaddress adx_createdbyusername adx_modifiedbyipaddress adx_modifiedbyusername emailaddress3 entityimage_url ftpsiteurl primarytwitterid stockexchange telephone3 timespentbymeonemailandmeetings traversedpath',
    },
    { kind: 'memo', filled: 0.7, names: 'address1_composite description' },
    { kind: 'memo', filled: 0.1, names: 'address2_composite' },
    { kind: 'double', filled: 0.6, names: 'address1_latitude address1_longitude' },
    { kind: 'double', filled: 0.05, names: 'address2_latitude address2_longitude' },
    { kind: 'integer', filled: 0.6, names: 'numberofemployees timezoneruleversionnumber onholdtime' },
    {
      kind: 'integer',
      filled: 0.1,
      names:
        'address1_utcoffset address2_utcoffset importsequencenumber sharesoutstanding utcconversiontimezonecode',
    },
    { kind: 'money', filled: 0.7, names: 'revenue revenue_base creditlimit creditlimit_base' },
    {
      kind: 'money',
      filled: 0.1,
      names: 'aging30 aging30_base aging60 aging60_base aging90 aging90_base marketcap marketcap_base',
    },
    { kind: 'decimal', filled: 1, names: 'exchangerate' },
    { kind: 'bigint', filled: 0.1, names: 'entityimage_timestamp' },
    { kind: 'moment', filled: 0.3, names: 'lastonholdtime lastusedincampaign overriddencreatedon' },
    { kind: 'choices', filled: 0.4, names: 'contoso_interests contoso_regions' },
    { kind: 'customer', filled: 0.5, names: 'contoso_payerid' },
    { kind: 'date', filled: 0.5, names: 'contoso_foundedon' },
  ],
};
