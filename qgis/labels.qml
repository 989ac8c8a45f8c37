<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<!-- Style and form for drawing labels: docs/bring-your-own-data.md says how to load it. -->
<qgis version="3.22.0" styleCategories="Symbology|Fields|Forms" readOnly="0">
  <renderer-v2 type="categorizedSymbol" attr="class" symbollevels="0" forceraster="0" enableorderby="0">
    <categories>
      <category value="cropland" symbol="0" label="cropland" render="true"/>
      <category value="other" symbol="1" label="other land" render="true"/>
      <category value="unsure" symbol="2" label="unsure: left out" render="true"/>
      <category value="" symbol="3" label="no class yet" render="true"/>
    </categories>
    <symbols>
      <symbol type="fill" name="0" alpha="1">
        <layer class="SimpleFill" enabled="1" pass="0" locked="0">
          <Option type="Map">
            <Option name="color" value="230,159,0,50" type="QString"/>
            <Option name="style" value="solid" type="QString"/>
            <Option name="outline_color" value="230,159,0,255" type="QString"/>
            <Option name="outline_style" value="solid" type="QString"/>
            <Option name="outline_width" value="0.6" type="QString"/>
            <Option name="outline_width_unit" value="MM" type="QString"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="fill" name="1" alpha="1">
        <layer class="SimpleFill" enabled="1" pass="0" locked="0">
          <Option type="Map">
            <Option name="color" value="0,114,178,50" type="QString"/>
            <Option name="style" value="solid" type="QString"/>
            <Option name="outline_color" value="0,114,178,255" type="QString"/>
            <Option name="outline_style" value="dash" type="QString"/>
            <Option name="outline_width" value="0.6" type="QString"/>
            <Option name="outline_width_unit" value="MM" type="QString"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="fill" name="2" alpha="1">
        <layer class="SimpleFill" enabled="1" pass="0" locked="0">
          <Option type="Map">
            <Option name="color" value="204,204,204,50" type="QString"/>
            <Option name="style" value="solid" type="QString"/>
            <Option name="outline_color" value="204,204,204,255" type="QString"/>
            <Option name="outline_style" value="dot" type="QString"/>
            <Option name="outline_width" value="0.6" type="QString"/>
            <Option name="outline_width_unit" value="MM" type="QString"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="fill" name="3" alpha="1">
        <layer class="SimpleFill" enabled="1" pass="0" locked="0">
          <Option type="Map">
            <Option name="color" value="204,0,102,50" type="QString"/>
            <Option name="style" value="solid" type="QString"/>
            <Option name="outline_color" value="204,0,102,255" type="QString"/>
            <Option name="outline_style" value="solid" type="QString"/>
            <Option name="outline_width" value="1" type="QString"/>
            <Option name="outline_width_unit" value="MM" type="QString"/>
          </Option>
        </layer>
      </symbol>
    </symbols>
  </renderer-v2>
  <fieldConfiguration>
    <field name="fid">
      <editWidget type="Hidden">
        <config>
          <Option/>
        </config>
      </editWidget>
    </field>
    <field name="class">
      <editWidget type="ValueMap">
        <config>
          <Option type="Map">
            <Option name="map" type="List">
              <Option type="Map">
                <Option name="cropland" value="cropland" type="QString"/>
              </Option>
              <Option type="Map">
                <Option name="other land" value="other" type="QString"/>
              </Option>
              <Option type="Map">
                <Option name="unsure: left out" value="unsure" type="QString"/>
              </Option>
            </Option>
          </Option>
        </config>
      </editWidget>
    </field>
    <field name="note">
      <editWidget type="TextEdit">
        <config>
          <Option type="Map">
            <Option name="IsMultiline" value="true" type="bool"/>
            <Option name="UseHtml" value="false" type="bool"/>
          </Option>
        </config>
      </editWidget>
    </field>
  </fieldConfiguration>
  <aliases>
    <alias field="class" index="1" name="What is it?"/>
    <alias field="note" index="2" name="Note, such as the crop or the date of the image"/>
  </aliases>
  <defaults>
    <default field="class" expression="" applyOnUpdate="0"/>
  </defaults>
  <constraints>
    <constraint field="class" constraints="1" notnull_strength="1" unique_strength="0" exp_strength="0"/>
  </constraints>
  <editorlayout>generatedlayout</editorlayout>
  <layerGeometryType>2</layerGeometryType>
</qgis>
